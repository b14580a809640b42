import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { TandemError } from '../../domain/index.ts'

const MAX_DEPTH = 3
const MAX_FILES = 10_000
const MAX_JSON_BYTES = 16 * 1024 * 1024

/**
 * Every file of a model's folder, relative and with forward slashes, hidden ones left out, sorted.
 * @throws TandemError MODEL_UNSERVABLE for a folder that holds far more than a model
 */
export async function listFiles(folder: string): Promise<string[]> {
  const files: string[] = []
  const visit = async (inside: string, depth: number): Promise<void> => {
    for (const entry of await readdir(join(folder, inside), { withFileTypes: true })) {
      if (entry.name.startsWith('.')) continue
      const path = inside === '' ? entry.name : `${inside}/${entry.name}`
      const target = entry.isSymbolicLink() ? await stat(join(folder, path)).catch(() => undefined) : entry
      if (target?.isFile()) files.push(path)
      else if (target?.isDirectory() && depth < MAX_DEPTH) await visit(path, depth + 1)
      if (files.length > MAX_FILES)
        throw unsupported(folder, `more than ${MAX_FILES} files: no model's folder`)
    }
  }
  await visit('', 1)
  return files.sort()
}

/**
 * A JSON file of a model's folder, checked; undefined when it is not there.
 * @throws TandemError MODEL_UNSERVABLE naming the file and what is wrong
 */
export async function readJson<T>(
  folder: string,
  path: string,
  schema: z.ZodType<T>,
): Promise<T | undefined> {
  const file = join(folder, path)
  const found = await stat(file).catch(() => undefined)
  if (!found?.isFile()) return undefined
  if (found.size > MAX_JSON_BYTES) throw unsupported(file, `more than ${MAX_JSON_BYTES} bytes`)
  let data: unknown
  try {
    data = JSON.parse(await readFile(file, 'utf8'))
  } catch (thrown) {
    throw unsupported(file, `not valid JSON: ${thrown instanceof Error ? thrown.message : thrown}`)
  }
  const parsed = schema.safeParse(data)
  if (parsed.success) return parsed.data
  throw unsupported(file, z.prettifyError(parsed.error).replace(/\s*\n\s*/g, ' '))
}

export function unsupported(where: string, what: string): TandemError {
  return new TandemError('MODEL_UNSERVABLE', { where, what })
}
