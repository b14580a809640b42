import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Model } from '../../../domain/index.ts'

/** The one beside the model, where the folder holds nothing of another. */
export async function projectorOf({ folder, files }: Model): Promise<string | undefined> {
  const own = (files.gguf ?? []).map(({ path }) => basename(path))
  const all = (await readdir(folder).catch(() => [])).filter((name) => /\.gguf$/i.test(name))
  const [first, ...others] = all.filter((name) => !own.includes(name))
  return first !== undefined && others.length === 0 && /mmproj/i.test(first) ? join(folder, first) : undefined
}
