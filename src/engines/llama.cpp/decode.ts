/** Reads a prompt into a slot and decodes text after it. */
import { type LlamaGrammar, LlamaGrammarEvaluationState, type LlamaModel, type Token } from 'node-llama-cpp'
import { TandemError } from '../../domain/index.ts'
import { commonBeginning } from '../decoder/index.ts'
import type { Chances } from './sampling.ts'
import type { Slot } from './slots.ts'
import { CharacterJoiner, StopScanner } from './text-stream.ts'

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
  readonly onText?: (text: string) => void
  /** Called at each block of the prompt and each token. */
  readonly onProgress?: () => void
  /** Ends the text early, seen after every token. */
  readonly enough?: (text: string) => boolean
  readonly signal: AbortSignal
}

export interface Decoded {
  readonly text: string
  readonly end: 'stop' | 'length'
  /** The stop string or stop token that ended the text. */
  readonly hit?: string | Token
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
}

/** @throws TandemError CONTEXT_LENGTH_EXCEEDED, CANCELLED */
export async function decode(settings: DecodeSettings, slot: Slot, work: Decoding): Promise<Decoded> {
  const { model, window } = settings
  if (work.prompt.length >= window)
    throw new TandemError('CONTEXT_LENGTH_EXCEEDED', { limit: window, tokens: work.prompt.length })
  const { cachedTokens, rest } = await readPrompt(settings, slot, work)

  const written: Token[] = []
  let recent: Token[] = []
  const characters = new CharacterJoiner<Token>((tokens) => model.detokenize(tokens, false, recent))
  const scanner = new StopScanner(work.stops)
  let text = ''
  let firstTokenAt = 0
  const show = (piece: string) => {
    if (piece === '') return
    text += piece
    work.onText?.(piece)
  }
  const finish = (end: 'stop' | 'length', hit?: string | Token): Decoded => {
    if (scanner.hit === undefined)
      show(scanner.push(characters.flush()) + (scanner.hit ? '' : scanner.flush()))
    return {
      text,
      end: scanner.hit === undefined ? end : 'stop',
      tokens: written,
      cachedTokens,
      firstTokenAt,
      ...((scanner.hit ?? hit) === undefined ? {} : { hit: (scanner.hit ?? hit)! }),
    }
  }

  if (work.maxTokens <= 0) return { ...finish('length'), firstTokenAt: performance.now() }
  const grammarEvaluationState =
    work.grammar && new LlamaGrammarEvaluationState({ model, grammar: work.grammar })
  const options = {
    ...work.chances.options(written),
    ...(grammarEvaluationState ? { grammarEvaluationState } : {}),
  }
  for await (const token of slot.sequence.evaluate(rest, options)) {
    if (work.signal.aborted) throw new TandemError('CANCELLED')
    work.onProgress?.()
    if (firstTokenAt === 0) firstTokenAt = performance.now()
    if (model.isEogToken(token)) return finish('stop')
    if (work.stopTokens.has(token)) return finish('stop', token)
    const before = text.length
    const piece = characters.push(token)
    written.push(token)
    if (piece !== '') recent = written.slice(-RECENT_TOKENS)
    show(scanner.push(piece))
    if (scanner.hit !== undefined) return finish('stop')
    if (work.enough && text.length > before && work.enough(text)) return finish('stop')
    // the last token of the window is never read itself
    if (written.length >= work.maxTokens || work.prompt.length + written.length >= window)
      return finish('length')
  }
  throw new Error('decoding ended without a token')
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
