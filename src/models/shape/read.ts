import { join } from 'node:path'
import { MODEL_FORMATS, type Model, type ModelFormat, type ModelShape } from '../../domain/index.ts'
import { unsupported } from '../layouts/files.ts'
import { readGgufHeader } from '../layouts/gguf-header.ts'
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
  const paths = (model.files.gguf ?? []).map((file) => join(model.folder, file.path))
  const [first] = paths
  if (first === undefined) return undefined
  const headers = []
  for (const path of paths) {
    try {
      headers.push(await readGgufHeader(path))
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') throw thrown
      throw unsupported(path, 'the file is missing')
    }
  }
  try {
    return shapeOfGguf(headers)
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown
    throw unsupported(first, thrown.message)
  }
}
