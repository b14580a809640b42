/** From tokens to text that may be shown: whole characters only, nothing of a stop string. */

const REPLACEMENT = '\uFFFD'
/** An unfinished UTF-8 character has at most three bytes, each at most one replacement character. */
const MAX_HELD = 3
/** Tokens after which broken bytes are shown as they are instead of read again with every token. */
const MAX_PENDING = 64

/** Joins tokens whose bytes form a character only together. */
export class CharacterJoiner<Token> {
  #pending: Token[] = []
  #shown = 0

  /** @param detokenize text of a run of tokens; unfinished bytes become U+FFFD */
  constructor(readonly detokenize: (tokens: readonly Token[]) => string) {}

  /** @returns the text that this token completed */
  push(token: Token): string {
    this.#pending.push(token)
    const text = this.detokenize(this.#pending)
    let end = text.length
    while (end > this.#shown && text.length - end < MAX_HELD && text[end - 1] === REPLACEMENT) end -= 1
    if (this.#pending.length >= MAX_PENDING) end = text.length
    const fresh = text.slice(this.#shown, end)
    if (end === text.length) {
      this.#pending = []
      this.#shown = 0
    } else this.#shown = end
    return fresh
  }

  /** @returns what is left; broken bytes as U+FFFD */
  flush(): string {
    if (this.#pending.length === 0) return ''
    const text = this.detokenize(this.#pending).slice(this.#shown)
    this.#pending = []
    this.#shown = 0
    return text
  }
}

/** Passes text on, keeps back what may be the start of a stop string. */
export class StopScanner {
  readonly #stops: readonly string[]
  #held = ''
  /** The stop string that was found. */
  hit: string | undefined

  constructor(stops: readonly string[]) {
    this.#stops = stops.filter((stop) => stop !== '')
  }

  /** @returns the text that may be shown; after `hit` is set nothing more comes */
  push(text: string): string {
    if (this.hit !== undefined) return ''
    if (this.#stops.length === 0) return text
    const all = this.#held + text
    const found = this.#earliest(all)
    if (found) {
      this.hit = found.stop
      this.#held = ''
      return all.slice(0, found.at)
    }
    const keep = this.#openTail(all)
    this.#held = all.slice(all.length - keep)
    return all.slice(0, all.length - keep)
  }

  /** @returns what was kept back when no more text comes */
  flush(): string {
    const rest = this.#held
    this.#held = ''
    return rest
  }

  #earliest(text: string): { at: number; stop: string } | undefined {
    let best: { at: number; stop: string } | undefined
    for (const stop of this.#stops) {
      const at = text.indexOf(stop)
      if (at >= 0 && (best === undefined || at < best.at)) best = { at, stop }
    }
    return best
  }

  /** Length of the longest end of `text` that begins a stop string. */
  #openTail(text: string): number {
    let longest = 0
    for (const stop of this.#stops)
      for (let length = Math.min(stop.length - 1, text.length); length > longest; length--)
        if (text.endsWith(stop.slice(0, length))) longest = length
    return longest
  }
}
