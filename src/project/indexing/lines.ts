/** A text as lines; the last newline ends a line and starts none, so `a\n` has one line and '' none. */
export class Lines {
  readonly #lines: readonly string[]
  readonly #weights: Uint32Array
  /** Characters of the longest line. */
  readonly longest: number

  constructor(text: string) {
    const lines = text.split('\n')
    if (lines.at(-1) === '') lines.pop()
    this.#lines = lines
    // Prefix sums: the weight of any range in constant time.
    this.#weights = new Uint32Array(lines.length + 1)
    let longest = 0
    for (const [at, line] of lines.entries()) {
      this.#weights[at + 1] = this.#weights[at]! + line.trim().length + 1
      longest = Math.max(longest, line.length)
    }
    this.longest = longest
  }

  get count(): number {
    return this.#lines.length
  }

  /** @param at counted from 0 */
  line(at: number): string {
    return this.#lines[at] ?? ''
  }

  isBlank(at: number): boolean {
    return this.line(at).trim() === ''
  }

  /** Characters of lines `start..end` (from 0, inclusive) without indentation: what the model reads. */
  weight(start: number, end: number): number {
    return this.#weights[end + 1]! - this.#weights[start]!
  }

  text(start: number, end: number): string {
    return this.#lines.slice(start, end + 1).join('\n')
  }
}
