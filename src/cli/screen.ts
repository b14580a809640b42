import type { Output } from './io.ts'

const HOME = '\u001b[H'
const CLEAR_LINE = '\u001b[K'
const CLEAR_BELOW = '\u001b[J'
const CLEAR = '\u001b[2J'

/** Text that is shown again and again: over itself on a terminal, else one after the other. */
export class Screen {
  readonly #stream: Output
  #shown = false

  constructor(stream: Output) {
    this.#stream = stream
  }

  show(text: string): void {
    if (!this.#stream.isTTY) this.#stream.write(this.#shown ? `\n${text}` : text)
    else {
      const fit = text
        .trimEnd()
        .split('\n')
        .slice(0, Math.max(1, (this.#stream.rows || 1000) - 1))
      const lines = fit.map((line) => `${line}${CLEAR_LINE}\n`).join('')
      this.#stream.write(`${this.#shown ? '' : CLEAR}${HOME}${lines}${CLEAR_BELOW}`)
    }
    this.#shown = true
  }
}
