import { readdir, readFile } from 'node:fs/promises'

/** Text of a file of `/sys` or `/proc` without the space around it; undefined when it cannot be read or is empty. */
export function textOf(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').then(
    (text) => text.trim() || undefined,
    () => undefined,
  )
}

/** A whole number that is not negative; undefined when the file has none. */
export async function numberOf(file: string): Promise<number | undefined> {
  const text = await textOf(file)
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined
}

/** Sorted names in a folder; none when it cannot be read. */
export function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).then(
    (names) => names.sort(),
    () => [],
  )
}
