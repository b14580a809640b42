import { appendFile, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'

export const JOURNAL_FILE = '.journal'

const Line = z.union([
  z.strictObject({ path: z.string(), content: z.string(), start: z.int(), end: z.int() }),
  z.strictObject({ path: z.string(), content: z.string(), sha256: z.string() }),
])
type Line = z.infer<typeof Line>

/** Bytes from `start` up to, not including, `end`. */
export interface Range {
  readonly start: number
  readonly end: number
}

/** What of a half-downloaded folder is on disk: a line for each finished range, and for each file that was verified. */
export class Journal {
  readonly #file: string
  #lines: Line[]
  #last: Promise<void> = Promise.resolve()

  private constructor(file: string, lines: Line[]) {
    this.#file = file
    this.#lines = lines
  }

  /** Reads what an earlier run left; a line that was cut by its end is passed over. */
  static async open(folder: string): Promise<Journal> {
    const file = join(folder, JOURNAL_FILE)
    const text = await readFile(file, 'utf8').catch(() => '')
    const lines = text.split('\n').flatMap((line) => {
      try {
        const parsed = Line.safeParse(JSON.parse(line))
        return parsed.success ? [parsed.data] : []
      } catch {
        return [] // the last line of a run that was killed
      }
    })
    const journal = new Journal(file, lines)
    await journal.#rewrite()
    return journal
  }

  /** Finished ranges of a content at a path, merged and in order. */
  ranges(path: string, content: string): Range[] {
    const found = this.#lines.flatMap((line) =>
      line.path === path && line.content === content && 'start' in line ? [line] : [],
    )
    const merged: Range[] = []
    for (const { start, end } of found.sort((a, b) => a.start - b.start)) {
      const last = merged.at(-1)
      if (last && start <= last.end)
        merged[merged.length - 1] = { start: last.start, end: Math.max(last.end, end) }
      else merged.push({ start, end })
    }
    return merged
  }

  /** SHA-256 of a file that was verified as a whole. */
  verified(path: string, content: string): string | undefined {
    for (const line of this.#lines)
      if (line.path === path && line.content === content && 'sha256' in line) return line.sha256
    return undefined
  }

  /** Whether anything was noted of this content at the path. */
  has(path: string, content: string): boolean {
    return this.#lines.some((line) => line.path === path && line.content === content)
  }

  addRange(path: string, content: string, { start, end }: Range): Promise<void> {
    return this.#add({ path, content, start, end })
  }

  addVerified(path: string, content: string, sha256: string): Promise<void> {
    return this.#add({ path, content, sha256 })
  }

  /** Takes back everything that was noted of a path. */
  forget(path: string): Promise<void> {
    this.#lines = this.#lines.filter((line) => line.path !== path)
    return this.#inTurn(() => this.#rewrite())
  }

  remove(): Promise<void> {
    return this.#inTurn(() => rm(this.#file, { force: true }))
  }

  #add(line: Line): Promise<void> {
    this.#lines.push(line)
    return this.#inTurn(() => appendFile(this.#file, `${JSON.stringify(line)}\n`))
  }

  #rewrite(): Promise<void> {
    return writeFile(this.#file, this.#lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#last = this.#last.catch(() => undefined).then(work)
    return this.#last
  }
}

/** The parts of `size` bytes that are not among the finished ones, each at most `step` long. */
export function missingRanges(finished: readonly Range[], size: number, step: number): Range[] {
  const missing: Range[] = []
  const fill = (from: number, to: number): void => {
    for (let start = from; start < to; start += step) missing.push({ start, end: Math.min(to, start + step) })
  }
  let at = 0
  for (const { start, end } of finished) {
    fill(at, start)
    at = Math.max(at, end)
  }
  fill(at, size)
  return missing
}
