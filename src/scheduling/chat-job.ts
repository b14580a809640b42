import type { ChatDelta, ChatMove, ChatResult, ChatResume, ServedBy, TandemError } from '../domain/index.ts'
import type { CallOptions, Worker } from '../workers/index.ts'
import type { Served } from './contract.ts'
import type { Ends } from './jobs.ts'
import { joined, SentAnswer } from './sent-answer.ts'

/** @param resume what of the answer was sent before; absent: nothing */
export type ChatCall = (
  worker: Worker,
  resume: ChatResume | undefined,
  onDelta: (delta: ChatDelta) => void,
  options: CallOptions,
) => Promise<ChatResult>

/** Passes deltas on, and keeps what was sent: when a worker is lost the next one goes on from there. */
export class ChatJob {
  readonly kind = 'chat'
  readonly call: ChatCall
  readonly #onDelta: (delta: ChatDelta) => void
  readonly #ends: Ends<ChatResult>
  readonly #sent = new SentAnswer()
  readonly #moves: ChatMove[] = []
  /** Of tries that sent something and were lost. */
  readonly #lostTimes: { readonly firstTokenMs: number; readonly decodeMs: number }[] = []
  #current: ChatTry | undefined
  #answer: Served<ChatResult> | undefined

  constructor(call: ChatCall, onDelta: (delta: ChatDelta) => void, ends: Ends<ChatResult>) {
    this.call = call
    this.#onDelta = onDelta
    this.#ends = ends
  }

  /** A worker is about to be asked. What an earlier try still says is ignored from now on. */
  begin(placement: ServedBy): ChatTry {
    const before = this.#current
    const resume = this.#sent.resume
    if (before && resume) {
      const why = whyOf(before.lost)
      const [from, to] = [nameOf(before.served), nameOf(placement)]
      this.#moves.push({ from, to, why, atToken: this.#sent.written })
      if (before.times) this.#lostTimes.push(before.times)
    }
    const served = withMoves(placement, this.#moves)
    const { written } = this.#sent
    this.#current = new ChatTry(served, resume, written)
    const move = this.#moves.at(-1)
    if (before && resume && move) this.#ends.onMoved?.(served, move)
    return this.#current
  }

  delta(delta: ChatDelta, from: ChatTry): void {
    if (this.#current !== from) return
    from.sawDelta()
    if (this.#sent.isEmpty) this.#ends.onServedBy?.(from.served)
    this.#sent.add(delta)
    this.#onDelta(delta)
  }

  /** @param result of the last try: what is new in it */
  take(result: ChatResult, last: ChatTry): void {
    if (this.#current !== last) return
    if (this.#sent.isEmpty) this.#ends.onServedBy?.(last.served)
    this.#answer = { result: this.#whole(result, last), servedBy: last.served }
  }

  /** @param error why the worker that is asked now gives no end of the answer */
  lost(error: TandemError | undefined): void {
    if (this.#current && error) this.#current.lost = error
  }

  /** Tokens of the answer that were sent; 0: nothing was. */
  get written(): number {
    return this.#sent.written
  }

  done(): void {
    if (!this.#answer) throw new Error('a chat ended without an answer')
    this.#ends.resolve(this.#answer)
  }

  /** An answer that broke off and found no worker in time ends as it broke off. */
  fail(error: unknown): void {
    const late = (error as Partial<TandemError>).code === 'DEADLINE'
    this.#ends.reject((late && this.#current?.lost) || error)
  }

  #whole(result: ChatResult, last: ChatTry): ChatResult {
    if (!last.resume) return result
    const [first, ...others] = [...this.#lostTimes, result.timings]
    const decodeMs = [...others].reduce((sum, times) => sum + times.decodeMs, first?.decodeMs ?? 0)
    return {
      ...joined(last.resume, last.writtenBefore, result),
      timings: { firstTokenMs: first?.firstTokenMs ?? 0, decodeMs },
      continued: [...this.#moves],
    }
  }
}

/** One worker's part of an answer. */
export class ChatTry {
  readonly served: ServedBy
  readonly resume: ChatResume | undefined
  /** Tokens of the answer that came before. */
  readonly writtenBefore: number
  lost: TandemError | undefined
  readonly #begunMs = performance.now()
  #firstMs: number | undefined
  #lastMs = 0

  constructor(served: ServedBy, resume: ChatResume | undefined, writtenBefore: number) {
    this.served = served
    this.resume = resume
    this.writtenBefore = writtenBefore
  }

  sawDelta(): void {
    this.#lastMs = performance.now()
    this.#firstMs ??= this.#lastMs
  }

  /** As seen from here; undefined where nothing came. */
  get times(): { firstTokenMs: number; decodeMs: number } | undefined {
    if (this.#firstMs === undefined) return undefined
    return { firstTokenMs: this.#firstMs - this.#begunMs, decodeMs: this.#lastMs - this.#firstMs }
  }
}

function nameOf({ engine, device }: ServedBy): string {
  return `${engine} on ${device}`
}

/** In one line. */
function whyOf(lost: TandemError | undefined): string {
  const why = lost?.code === 'WORKER_LOST' ? String(lost.details['why']) : lost?.message
  return (why ?? 'its worker was stopped').replace(/\s+/g, ' ').trim()
}

function withMoves(served: ServedBy, moves: readonly ChatMove[]): ServedBy {
  if (moves.length === 0) return served
  const told = moves.map(({ from, why, atToken }) => `${from} broke off after ${atToken} tokens: ${why}`)
  return {
    ...served,
    fallback: [...(served.fallback === undefined ? [] : [served.fallback]), ...told].join('; '),
  }
}
