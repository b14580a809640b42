import type { ChatDelta, ChatResult, ChatResume, ToolCall } from '../domain/index.ts'

/** What a reader got of an answer, whichever workers wrote it. */
export class SentAnswer {
  #text = ''
  readonly #tokens: number[] = []
  readonly #toolCalls: ToolCall[] = []
  #callTokens = 0
  /** Deltas of an engine that knows no ids: each counts as a token. */
  #unknown = 0

  add(delta: ChatDelta): void {
    if (delta.type === 'toolCall') {
      this.#toolCalls.push(delta.call)
      this.#callTokens += delta.spentTokens ?? 1
      return
    }
    this.#text += delta.text
    if (delta.tokens) this.#tokens.push(...delta.tokens)
    else this.#unknown += 1
  }

  get isEmpty(): boolean {
    return this.#text === '' && this.#toolCalls.length === 0
  }

  /** Tokens of it. */
  get written(): number {
    return this.#tokens.length + this.#unknown + this.#callTokens
  }

  /** What the next worker must know to go on; undefined where nothing was sent. */
  get resume(): ChatResume | undefined {
    if (this.isEmpty) return undefined
    return {
      // some ids are not enough: the text is read again then
      tokens: this.#unknown === 0 ? [...this.#tokens] : [],
      text: this.#text,
      toolCalls: [...this.#toolCalls],
      callTokens: this.#callTokens,
    }
  }
}

/** Whether a reader sees anything of it. */
export function isShown(delta: ChatDelta): boolean {
  return delta.type === 'toolCall' || delta.text !== ''
}

/** An answer and what was sent of it before its last worker began. */
export function joined(before: ChatResume, written: number, last: ChatResult): ChatResult {
  return {
    ...last,
    text: before.text + last.text,
    toolCalls: [...before.toolCalls, ...last.toolCalls],
    usage: { ...last.usage, completionTokens: written + last.usage.completionTokens },
  }
}
