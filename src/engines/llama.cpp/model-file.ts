import { open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Model, TandemError } from '../../domain/index.ts'

/**
 * Absolute path of a model's (first) GGUF file, after the checks that cost nothing; without them llama.cpp would
 * read past the end of a truncated file.
 * @throws TandemError MODEL_FILE_BAD
 */
export async function findGguf(model: Model): Promise<string> {
  const files = model.files.gguf ?? []
  const first = files[0]
  if (first === undefined) throw bad(model.id, 'the manifest names no GGUF file')
  for (const file of files) {
    const path = join(model.folder, file.path)
    const size = await stat(path).then(
      (found) => (found.isFile() ? found.size : undefined),
      () => undefined,
    )
    if (size === undefined) throw bad(path, 'the file is missing')
    if (size !== file.sizeBytes) throw bad(path, `${size} bytes instead of ${file.sizeBytes}`)
  }
  const path = join(model.folder, first.path)
  if ((await readMagic(path)) !== 'GGUF') throw bad(path, 'not a GGUF file')
  return path
}

export function bad(file: string, why: string, cause?: unknown): TandemError {
  return new TandemError('MODEL_FILE_BAD', { file, why }, { cause })
}

async function readMagic(path: string): Promise<string> {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0)
    return buffer.toString('latin1', 0, bytesRead)
  } finally {
    await file.close()
  }
}
