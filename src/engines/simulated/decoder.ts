import { randomUUID } from 'node:crypto'
import type { DecoderTiming } from '../../devices/simulated/index.ts'
import {
  type AnswerTrait,
  type ChatDelta,
  type ChatRequest,
  type ChatResult,
  type ChatTraits,
  type CompletionRequest,
  type PromptCount,
  TandemError,
} from '../../domain/index.ts'
import type { ChatPromptSpec, LoadedDecoder } from '../contract.ts'
import { commonBeginning, SlotPool, StopScanner } from '../decoder/index.ts'
import { type Answer, answerTo, continuationOf } from './answer.ts'
import type { Board } from './board.ts'
import type { Faults } from './faults.ts'
import { Pace } from './pace.ts'
import { piecesOf } from './pieces.ts'

/** What a real tokenizer puts before a raw text. */
const BEGIN = ''

export interface DecoderParts {
  readonly timing: DecoderTiming
  readonly board: Board
  readonly faults: Faults
  readonly speedUp: number
  readonly contextTokens: number
  readonly slots: number
  readonly traits: ChatTraits | undefined
  /** Named in the answers, the same on each of its devices: `the simulator of MODEL on lunar-lake`. */
  readonly who: string
}

/** A place for one answer, with the prompt that it still holds. */
interface Slot {
  held: readonly string[]
}

interface Job extends Pick<ChatRequest, 'sampling' | 'resume'> {
  readonly prompt: readonly string[]
  readonly answer: Answer
  readonly onDelta: (delta: ChatDelta) => void
  readonly signal: AbortSignal
}

/** A chat model that is none: it says so, at the pace of its device. */
export class SimulatedDecoder implements LoadedDecoder {
  readonly kind = 'decoder'
  readonly resumes: readonly AnswerTrait[] = ['chat', 'text', 'tools', 'json']
  readonly images = false
  readonly contextTokens: number
  readonly slots: number
  readonly #parts: DecoderParts
  readonly #pool: SlotPool<Slot, string>
  /** Answers that are being written: they share the device. */
  #active = 0

  constructor(parts: DecoderParts) {
    this.contextTokens = parts.contextTokens
    this.slots = parts.slots
    this.#parts = parts
    this.#pool = new SlotPool({
      slots: Array.from({ length: parts.slots }, (): Slot => ({ held: [] })),
      heldBy: ({ held }) => held,
      device: 'the simulator',
    })
  }

  async chat(
    request: ChatRequest,
    onDelta: (delta: ChatDelta) => void,
    signal: AbortSignal,
  ): Promise<ChatResult> {
    const answer = answerTo(request, this.#parts.who)
    return this.#run({ ...request, prompt: promptPieces(request), answer, onDelta, signal })
  }

  async complete(
    request: CompletionRequest,
    onDelta: (delta: ChatDelta) => void,
    signal: AbortSignal,
  ): Promise<ChatResult> {
    if (request.infill)
      throw new TandemError('MODEL_CANNOT', {
        model: request.model,
        what: 'fill in code',
        engine: 'the simulator',
        why: 'it only says what it is',
      })
    const answer = { text: continuationOf(request.prompt, this.#parts.who) }
    return this.#run({ ...request, prompt: [BEGIN, ...piecesOf(request.prompt)], answer, onDelta, signal })
  }

  async countTokens(texts: readonly string[]): Promise<number[]> {
    return texts.map((text) => piecesOf(text).length)
  }

  async countPrompt(spec: ChatPromptSpec): Promise<PromptCount> {
    return { tokens: promptPieces(spec).length, estimated: false }
  }

  async dispose(): Promise<void> {
    this.#parts.board.close()
  }

  async #run(job: Job): Promise<ChatResult> {
    const { contextTokens } = this.#parts
    if (job.prompt.length >= contextTokens)
      throw new TandemError('CONTEXT_LENGTH_EXCEEDED', { limit: contextTokens, tokens: job.prompt.length })
    const slot = await this.#pool.take(job.prompt, job.signal)
    this.#active += 1
    try {
      return await this.#answer(job, slot)
    } finally {
      this.#active -= 1
      this.#pool.give(slot)
    }
  }

  async #answer({ prompt, answer, sampling, resume, onDelta, signal }: Job, slot: Slot): Promise<ChatResult> {
    const { timing, traits, contextTokens, board, faults, speedUp } = this.#parts
    const pace = new Pace(board, faults.factor / speedUp)
    const startedMs = performance.now()
    const strike = faults.begin()
    const pieces = piecesOf(answer.text)
    // the ids of this model are the places of its pieces
    const begun = resume?.toolCalls.length ? pieces.length : (resume?.tokens.length ?? 0)
    const known = [...prompt, ...pieces.slice(0, begun)]
    const cachedTokens = Math.min(commonBeginning(slot.held, known), prompt.length - 1)
    slot.held = []
    const unread = known.length - cachedTokens
    await pace.work(timing.callMs + unread * timing.promptMsPerToken * this.#active, signal)
    slot.held = prompt

    const wanted = sampling.maxTokens ?? traits?.maxTokens ?? Number.POSITIVE_INFINITY
    const limit = Math.min(wanted, contextTokens - prompt.length, pieces.length)
    const scanner = new StopScanner(answer.tool === undefined ? sampling.stop : [])
    const shown = resume?.text ?? ''
    let said = ''
    let told = begun
    let written = 0
    let firstMs = startedMs
    const show = (text: string) => {
      const from = Math.max(said.length, shown.length)
      said += text
      const fresh = said.slice(from)
      if (fresh === '' || answer.tool !== undefined) return
      onDelta({
        type: 'text',
        text: fresh,
        tokens: Array.from({ length: written - told }, (_, i) => told + i),
      })
      told = written
    }
    while (written < limit && scanner.hit === undefined) {
      const piece = pieces[written]!
      // a step reads the weights once for all answers; each further one costs what a token of a prompt costs
      const stepMs = timing.tokenMs + (this.#active - 1) * timing.promptMsPerToken
      if (written >= begun) await pace.work(stepMs, signal)
      written += 1
      show(scanner.push(piece))
      if (written !== begun + 1) continue
      firstMs = performance.now()
      strike()
    }
    if (scanner.hit === undefined) show(scanner.flush())
    const finishReason = scanner.hit === undefined && written < pieces.length ? 'length' : 'stop'
    const completionTokens = Math.max(0, written - begun)
    const sent = resume?.toolCalls.length
      ? ({ text: '', toolCalls: [], finishReason: 'tool_calls' } as const)
      : this.#result(answer, said.slice(shown.length), finishReason, (delta) =>
          onDelta({ ...delta, spentTokens: completionTokens }),
        )
    return {
      ...sent,
      ...(scanner.hit === undefined ? {} : { stopSequence: scanner.hit }),
      usage: { promptTokens: prompt.length, completionTokens, cachedTokens },
      timings: { firstTokenMs: firstMs - startedMs, decodeMs: performance.now() - firstMs },
    }
  }

  /** A call that was not written to its end is none. */
  #result(
    { tool }: Answer,
    said: string,
    end: 'stop' | 'length',
    onDelta: (delta: Extract<ChatDelta, { type: 'toolCall' }>) => void,
  ): Pick<ChatResult, 'text' | 'toolCalls' | 'finishReason'> {
    if (tool === undefined) return { text: said, toolCalls: [], finishReason: end }
    if (end === 'length') return { text: '', toolCalls: [], finishReason: 'length' }
    const call = { id: `call_${randomUUID().replaceAll('-', '')}`, name: tool, arguments: said }
    onDelta({ type: 'toolCall', index: 0, call })
    return { text: '', toolCalls: [call], finishReason: 'tool_calls' }
  }
}

/** About what a template makes of a chat: a line for the role, the text, a mark for its end. */
function promptPieces({ messages, tools }: ChatPromptSpec): string[] {
  const lines = messages.flatMap((message) => {
    const calls = 'toolCalls' in message && message.toolCalls ? [JSON.stringify(message.toolCalls)] : []
    return [message.role, message.content, ...calls, '\n']
  })
  const known = tools.length > 0 ? [JSON.stringify(tools)] : []
  return [...known, ...lines, 'assistant'].flatMap(piecesOf)
}
