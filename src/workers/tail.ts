/** Keeps the last bytes of what a process printed. */
export class Tail {
  #text = ''
  readonly #maxChars: number

  constructor(maxChars: number) {
    this.#maxChars = maxChars
  }

  push(chunk: string): void {
    this.#text = (this.#text + chunk).slice(-this.#maxChars)
  }

  /** The last non-empty lines, at most `count`, joined by ` | `. */
  lastLines(count: number): string {
    const lines = this.#text
      .split(/\r?\n/)
      .map((line) => line.trim())
      .filter((line) => line !== '')
    return lines.slice(-count).join(' | ')
  }
}
