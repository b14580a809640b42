/** Reads a prompt into a slot and decodes text after it. */
import type { LlamaGrammar, LlamaModel, Token } from 'node-llama-cpp'
import { TandemError } from '../../domain/index.ts'
import { CharacterJoiner, commonBeginning, StopScanner } from '../decoder/index.ts'
import { grammarAfter } from './grammar-state.ts'
import type { Chances } from './sampling.ts'
import type { Slot } from './slots.ts'

/** Tokens before the new ones that a tokenizer may need to tell whether a space belongs between them. */
const RECENT_TOKENS = 3

export interface Decoding {
  readonly prompt: readonly Token[]
  readonly chances: Chances
  readonly stops: readonly string[]
  /** Tokens that end the text, besides the model's own. */
  readonly stopTokens: ReadonlySet<Token>
  readonly maxTokens: number
  readonly grammar?: LlamaGrammar
  /** Tokens of this text that another worker wrote, and what was shown of them; `maxTokens` counts them. */
  readonly replay?: { readonly tokens: readonly Token[]; readonly text: string }
  /** @param tokens written since the last call */
  readonly onText?: (text: string, tokens: readonly Token[]) => void
  /** Called at each block of the prompt and each token. */
  readonly onProgress?: () => void
  /** Ends the text early, seen after every token. */
  readonly enough?: (text: string) => boolean
  readonly signal: AbortSignal
}

export interface Decoded {
  /** Without what was shown before the replay. */
  readonly text: string
  readonly end: 'stop' | 'length'
  /** The stop string or stop token that ended the text. */
  readonly hit?: string | Token
  /** The replayed ones first. */
  readonly tokens: readonly Token[]
  readonly cachedTokens: number
  /** `performance.now()` of the first token. */
  readonly firstTokenAt: number
}

/** What stays the same over all requests of a loaded model. */
export interface DecodeSettings {
  readonly model: LlamaModel
  /** Most tokens of prompt and answer together. */
  readonly window: number
  /** Tokens read at once; between two reads a cancel is seen. */
  readonly block: number
  /** Tokens of another worker's text that are read again one by one, as they were written; more are read in blocks. */
  readonly exactReplay: number
}

/** @throws TandemError CONTEXT_LENGTH_EXCEEDED, CANCELLED, CANNOT_CONTINUE */
export async function decode(settings: DecodeSettings, slot: Slot, work: Decoding): Promise<Decoded> {
  const { model, window } = settings
  if (work.prompt.length >= window)
    throw new TandemError('CONTEXT_LENGTH_EXCEEDED', { limit: window, tokens: work.prompt.length })
  const replayed = work.replay?.tokens ?? []
  const writing = new Writing(settings, work)
  for (const token of replayed) {
    const ended = writing.take(token)
    if (ended) return { ...ended, cachedTokens: 0, firstTokenAt: performance.now() }
  }
  writing.checkReplay()
  const full = writing.ifFull()
  if (full) return { ...full, cachedTokens: 0, firstTokenAt: performance.now() }

  const { cachedTokens, rest } = await readBegun(settings, slot, work, replayed)
  const grammarEvaluationState = work.grammar && grammarAfter(model, work.grammar, replayed)
  const options = {
    ...work.chances.options(writing.tokens),
    ...(grammarEvaluationState ? { grammarEvaluationState } : {}),
  }
  let firstTokenAt = 0
  for await (const token of slot.sequence.evaluate(rest, options)) {
    if (work.signal.aborted) throw new TandemError('CANCELLED')
    work.onProgress?.()
    if (firstTokenAt === 0) firstTokenAt = performance.now()
    const ended = writing.take(token) ?? writing.ifFull()
    if (ended) return { ...ended, cachedTokens: Math.min(cachedTokens, work.prompt.length), firstTokenAt }
  }
  throw new Error('decoding ended without a token')
}

type Written = Omit<Decoded, 'cachedTokens' | 'firstTokenAt'>

/** Turns tokens into text that may be shown, and sees where it ends; the same for replayed tokens and new ones. */
class Writing {
  readonly tokens: Token[] = []
  readonly #settings: DecodeSettings
  readonly #work: Decoding
  readonly #characters: CharacterJoiner<Token>
  readonly #scanner: StopScanner
  /** Characters that were shown before. */
  readonly #shownBefore: number
  #recent: Token[] = []
  #text = ''
  /** Tokens that the reader knows of. */
  #told: number

  constructor(settings: DecodeSettings, work: Decoding) {
    this.#settings = settings
    this.#work = work
    this.#characters = new CharacterJoiner((tokens) => settings.model.detokenize(tokens, false, this.#recent))
    this.#scanner = new StopScanner(work.stops)
    this.#shownBefore = work.replay?.text.length ?? 0
    this.#told = work.replay?.tokens.length ?? 0
  }

  /** @returns the end, where this token is it */
  take(token: Token): Written | undefined {
    const { stopTokens, enough } = this.#work
    if (this.#settings.model.isEogToken(token)) return this.#finish('stop')
    if (stopTokens.has(token)) return this.#finish('stop', token)
    const before = this.#text.length
    const piece = this.#characters.push(token)
    this.tokens.push(token)
    if (piece !== '') this.#recent = this.tokens.slice(-RECENT_TOKENS)
    this.#show(this.#scanner.push(piece))
    if (this.#scanner.hit !== undefined) return this.#finish('stop')
    if (enough && this.#text.length > before && enough(this.#text)) return this.#finish('stop')
    return undefined
  }

  /** @returns the end, where no further token may be written; the last token of the window is never read itself */
  ifFull(): Written | undefined {
    const { maxTokens, prompt } = this.#work
    const { length } = this.tokens
    return length >= maxTokens || (length > 0 && prompt.length + length >= this.#settings.window)
      ? this.#finish('length')
      : undefined
  }

  /** Another text than the one that was shown must not go on after it. */
  checkReplay(): void {
    const shown = this.#work.replay?.text ?? ''
    const end = Math.min(shown.length, this.#text.length)
    if (shown.slice(0, end) !== this.#text.slice(0, end))
      throw new TandemError('CANNOT_CONTINUE', {
        engine: 'llama.cpp',
        why: 'its tokens give another text than the one that was sent',
      })
  }

  #show(piece: string): void {
    const from = Math.max(this.#text.length, this.#shownBefore)
    this.#text += piece
    const fresh = this.#text.slice(from)
    if (fresh === '') return
    this.#work.onText?.(fresh, this.tokens.slice(this.#told))
    this.#told = this.tokens.length
  }

  #finish(end: 'stop' | 'length', hit?: string | Token): Written {
    if (this.#scanner.hit === undefined) {
      const last = this.#scanner.push(this.#characters.flush())
      this.#show(this.#scanner.hit === undefined ? last + this.#scanner.flush() : last)
    }
    const found = this.#scanner.hit ?? hit
    return {
      text: this.#text.slice(this.#shownBefore),
      end: this.#scanner.hit === undefined ? end : 'stop',
      tokens: this.tokens,
      ...(found === undefined ? {} : { hit: found }),
    }
  }
}

/** As `readPrompt`, with the replayed tokens after the prompt. */
async function readBegun(
  settings: DecodeSettings,
  slot: Slot,
  work: Decoding,
  replayed: readonly Token[],
): Promise<{ cachedTokens: number; rest: Token[] }> {
  const exact = work.chances.reproducible && replayed.length <= settings.exactReplay
  if (replayed.length === 0 || !exact)
    return readPrompt(settings, slot, { ...work, prompt: [...work.prompt, ...replayed] })
  // what is read together has other bits than what was written one by one, and the next word may hang on them
  const { cachedTokens, rest } = await readPrompt(settings, slot, work)
  let unread = rest
  for (const token of replayed) {
    if (work.signal.aborted) throw new TandemError('CANCELLED')
    await slot.sequence.evaluateWithoutGeneratingNewTokens(unread)
    unread = [token]
  }
  return { cachedTokens, rest: unread }
}

/**
 * Brings the slot to hold all of the prompt but its last piece. Blocks begin at the same positions whatever was in
 * the cache, because the bits of the results depend on how many tokens are read together.
 */
async function readPrompt(
  { block }: DecodeSettings,
  slot: Slot,
  { prompt, chances, signal, onProgress }: Decoding,
): Promise<{ cachedTokens: number; rest: Token[] }> {
  const { sequence } = slot
  let at = Math.min(commonBeginning(sequence.contextTokens, prompt), prompt.length - 1)
  if (chances.reproducible) at = Math.floor(Math.min(at, slot.exact) / block) * block
  // recurrent and sliding-window models cannot forget their last tokens only
  if (at < sequence.nextTokenIndex && sequence.needsCheckpoints) at = 0
  if (at < sequence.nextTokenIndex)
    await sequence.eraseContextTokenRanges([{ start: at, end: sequence.nextTokenIndex }])
  slot.exact = Math.min(slot.exact, at)
  const cachedTokens = at
  for (;;) {
    if (signal.aborted) throw new TandemError('CANCELLED')
    const end = Math.min((Math.floor(at / block) + 1) * block, prompt.length)
    const piece = prompt.slice(at, end)
    if (piece.length === block && slot.exact === at) slot.exact = end
    if (end === prompt.length) return { cachedTokens, rest: piece }
    await sequence.evaluateWithoutGeneratingNewTokens(piece)
    onProgress?.()
    at = end
  }
}
