import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type Model, type ModelFile, type ModelFormat, TandemError } from '../domain/index.ts'

/**
 * Compares size and SHA-256 of a model's files with its manifest, sizes first, each file once.
 * @param format only the files of this format
 * @throws TandemError MODEL_FILE_BAD for the first file that is missing or differs
 */
export async function verifyModel(model: Model, format?: ModelFormat): Promise<void> {
  const listed = format ? (model.files[format] ?? []) : Object.values(model.files).flat()
  const files = [...new Map(listed.map((file) => [file.path, file])).values()]
  for (const file of files) await checkSize(model.folder, file)
  for (const file of files) await checkHash(model.folder, file)
}

async function checkSize(folder: string, file: ModelFile): Promise<void> {
  const path = join(folder, file.path)
  const found = await stat(path).catch((error: unknown) => {
    throw bad(path, error instanceof Error ? error.message : String(error), error)
  })
  if (!found.isFile()) throw bad(path, 'not a file')
  if (found.size !== file.sizeBytes)
    throw bad(path, `${found.size} bytes, the manifest says ${file.sizeBytes}`)
}

async function checkHash(folder: string, file: ModelFile): Promise<void> {
  const path = join(folder, file.path)
  const found = await sha256Of(path).catch((error: unknown) => {
    throw bad(path, error instanceof Error ? error.message : String(error), error)
  })
  if (found !== file.sha256) throw bad(path, `SHA-256 ${found}, the manifest says ${file.sha256}`)
}

/** @returns 64 hexadecimal digits; @throws Error when it cannot be read */
export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash)
  return hash.digest('hex')
}

function bad(file: string, why: string, cause?: unknown): TandemError {
  return new TandemError('MODEL_FILE_BAD', { file, why }, { cause })
}
