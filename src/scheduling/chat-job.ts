import type {
  ChatDelta,
  ChatMove,
  ChatResult,
  ChatResume,
  ErrorCode,
  ServedBy,
  TandemError,
} from '../domain/index.ts'
import type { CallOptions, Worker } from '../workers/index.ts'
import type { Served } from './contract.ts'
import type { Ends } from './jobs.ts'
import { joined, SentAnswer } from './sent-answer.ts'

/** Ends of an answer that say less than how it broke off. */
const SAY_LESS: readonly (ErrorCode | undefined)[] = ['DEADLINE', 'IMAGES_UNSUPPORTED', 'TASK_UNSERVED']

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
  #current: ChatTry | undefined
  #answer: Served<ChatResult> | undefined

  constructor(call: ChatCall, onDelta: (delta: ChatDelta) => void, ends: Ends<ChatResult>) {
    this.call = call
    this.#onDelta = onDelta
    this.#ends = ends
  }

  /** A worker is about to be asked. What an earlier try still says is ignored from now on. */
  begin(placement: ServedBy): ChatTry {
    this.#current = new ChatTry(placement, this.#current, this.#sent)
    return this.#current
  }

  /** The worker can never do it: as if it had not been asked. */
  unable(asked: ChatTry): void {
    if (this.#current === asked) this.#current = asked.before
  }

  delta(delta: ChatDelta, from: ChatTry): void {
    if (this.#current !== from) return
    this.#tell(from)
    from.sawDelta()
    this.#sent.add(delta)
    this.#onDelta(delta)
  }

  /** @param result of the last try: what is new in it */
  take(result: ChatResult, last: ChatTry): void {
    if (this.#current !== last) return
    this.#tell(last)
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

  /** An answer that broke off ends as it broke off, or by what is known of why it went on nowhere. */
  fail(error: unknown): void {
    const broke = this.#sent.isEmpty ? undefined : this.#current?.lost
    this.#ends.reject((SAY_LESS.includes((error as Partial<TandemError>).code) && broke) || error)
  }

  #whole(result: ChatResult, last: ChatTry): ChatResult {
    if (!last.resume) return result
    const [first, ...others] = [...last.earlierTimes, result.timings]
    const decodeMs = [...others].reduce((sum, times) => sum + times.decodeMs, first?.decodeMs ?? 0)
    return {
      ...joined(last.resume, last.writtenBefore, result),
      timings: { firstTokenMs: first?.firstTokenMs ?? 0, decodeMs },
      continued: last.moves,
    }
  }

  /** Who serves, before the first that comes from there. */
  #tell(from: ChatTry): void {
    if (from.told) return
    from.told = true
    const move = from.resume && from.moves.at(-1)
    if (move) this.#ends.onMoved?.(from.served, move)
    else if (this.#sent.isEmpty) this.#ends.onServedBy?.(from.served)
  }
}

interface Times {
  readonly firstTokenMs: number
  readonly decodeMs: number
}

/** One worker's part of an answer. */
export class ChatTry {
  readonly served: ServedBy
  readonly resume: ChatResume | undefined
  /** Tokens of the answer that came before. */
  readonly writtenBefore: number
  /** How the answer came here, from its first worker on. */
  readonly moves: readonly ChatMove[]
  /** Of the tries before that sent something. */
  readonly earlierTimes: readonly Times[]
  /** The one that was lost. */
  readonly before: ChatTry | undefined
  lost: TandemError | undefined
  /** Whether it was said that this worker serves. */
  told = false
  readonly #begunMs = performance.now()
  #firstMs: number | undefined
  #lastMs = 0

  /** @param sent what is out of the answer */
  constructor(placement: ServedBy, before: ChatTry | undefined, { resume, written }: SentAnswer) {
    this.resume = resume
    this.writtenBefore = written
    this.before = before
    // one that was lost before anything came from there is no part of the answer
    let [writer, lost] = [before, before?.lost]
    while (writer && !writer.told && writer.before) {
      const earlier: ChatTry = writer.before
      // the last word on a worker says most: that its process was killed, not that a stream ended
      if (!lost || nameOf(earlier.served) !== nameOf(writer.served)) lost = earlier.lost
      writer = earlier
    }
    const earlier = writer?.times ? [writer.times] : []
    this.earlierTimes = [...(writer?.earlierTimes ?? []), ...earlier]
    const move = writer && resume && moveOf(writer.served, placement, lost, written)
    this.moves = [...(writer?.moves ?? []), ...(move ? [move] : [])]
    this.served = withMoves(placement, this.moves)
  }

  sawDelta(): void {
    this.#lastMs = performance.now()
    this.#firstMs ??= this.#lastMs
  }

  /** As seen from here; undefined where nothing came. */
  get times(): Times | undefined {
    if (this.#firstMs === undefined) return undefined
    return { firstTokenMs: this.#firstMs - this.#begunMs, decodeMs: this.#lastMs - this.#firstMs }
  }
}

function moveOf(from: ServedBy, to: ServedBy, lost: TandemError | undefined, atToken: number): ChatMove {
  return { from: nameOf(from), to: nameOf(to), why: whyOf(lost), atToken }
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
