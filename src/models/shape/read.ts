import { join } from 'node:path'
import { MODEL_FORMATS, type Model, type ModelFormat, type ModelShape } from '../../domain/index.ts'
import { unsupported } from '../layouts/files.ts'
import { type GgufHeader, readGgufHeader } from '../layouts/gguf-header.ts'
import { readEncoderShape } from './encoder-shape.ts'
import { shapeOfGguf } from './gguf-shape.ts'

/**
 * What a model's files say of its size; headers and configuration only, never the weights.
 * @param format absent: the first that the model has files in
 * @returns undefined when nothing is there to tell: a remote model, or an encoder without `config.json`
 * @throws TandemError MODEL_UNSERVABLE for a file that is missing or damaged, or of a kind that is not known
 */
export async function readModelShape(model: Model, format?: ModelFormat): Promise<ModelShape | undefined> {
  const chosen = format ?? MODEL_FORMATS.find((each) => (model.files[each] ?? []).length > 0)
  if (chosen === undefined || chosen === 'remote') return undefined
  return chosen === 'gguf' ? readGgufShape(model) : readEncoderShape(model, chosen)
}

async function readGgufShape(model: Model): Promise<ModelShape | undefined> {
  const [first] = (model.files.gguf ?? []).map((file) => join(model.folder, file.path))
  return first === undefined ? undefined : readGgufFileShape(first)
}

/** The same of a GGUF file that is no model of the catalogue. @param first absolute path of its (first) part */
export async function readGgufFileShape(first: string): Promise<ModelShape> {
  const headers = [await readPart(first)]
  for (const path of otherParts(first, Number(headers[0]?.values.get('split.count') ?? 1)))
    headers.push(await readPart(path))
  try {
    return shapeOfGguf(headers)
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown
    throw unsupported(first, thrown.message)
  }
}

/** The first part alone tells how many there are: a manifest, or a user, may name no other. */
function otherParts(first: string, count: number): string[] {
  const name = /^(.*)-00001-of-(\d{5})\.gguf$/i.exec(first)
  if (!name) return []
  const parts = Math.min(count, Number(name[2]))
  return Array.from({ length: Math.max(0, parts - 1) }, (_, index) => {
    const part = String(index + 2).padStart(5, '0')
    return `${name[1]}-${part}-of-${name[2]}.gguf`
  })
}

async function readPart(path: string): Promise<GgufHeader> {
  try {
    return await readGgufHeader(path)
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') throw thrown
    throw unsupported(path, 'the file is missing')
  }
}
