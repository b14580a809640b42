import type { FileStamp } from './records.ts'

/** The stamps of the files that an index holds, so that a save need not read them all from the store. */
export class KnownFiles {
  readonly #stamps = new Map<string, FileStamp>()

  /** Keeps the stamps alone of what may be whole records. */
  put(files: readonly FileStamp[]): void {
    for (const { path, sizeBytes, mtimeMs, hash } of files)
      this.#stamps.set(path, { path, sizeBytes, mtimeMs, hash })
  }

  remove(paths: readonly string[]): void {
    for (const path of paths) this.#stamps.delete(path)
  }

  all(): FileStamp[] {
    return [...this.#stamps.values()]
  }

  of(paths: readonly string[]): FileStamp[] {
    return paths.flatMap((path) => this.#stamps.get(path) ?? [])
  }

  /** Known files of these paths, or below them where a folder is gone. */
  atOrBelow(paths: readonly string[]): string[] {
    const found = paths.filter((path) => this.#stamps.has(path))
    const folders = paths.filter((path) => !this.#stamps.has(path)).map((path) => `${path}/`)
    if (folders.length > 0)
      for (const path of this.#stamps.keys())
        if (folders.some((folder) => path.startsWith(folder))) found.push(path)
    return found
  }
}
