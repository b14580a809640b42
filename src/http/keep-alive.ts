/** Says in comments what a streamed answer waits for, so that nobody takes it for dead, and who serves it in the end. */
import type { FastifyReply } from 'fastify'
import type { ModelLoading, ServedBy } from '../domain/index.ts'
import type { Waiting } from '../scheduling/contract.ts'
import { setServed } from './served-by.ts'
import type { TextStream } from './text-stream.ts'

/** What a streamed answer waits for. */
export interface Pending {
  readonly text: string
  /** Who is to serve, for the headers; absent: nobody is known. */
  readonly expected?: ServedBy | undefined
}

export function pendingOf(waiting: Waiting | undefined): Pending | undefined {
  return waiting && { text: waitingText(waiting), expected: waiting.expected }
}

export class KeepAlive {
  readonly #reply: FastifyReply
  readonly #stream: TextStream
  readonly #timer: NodeJS.Timeout
  /** Asked each time that the stream is silent. */
  pending: () => Pending | undefined = () => undefined
  /** Who serves, by the headers that are out or about to go. */
  #told: ServedBy | undefined
  #served: ServedBy | undefined

  /** @param everyMs silence after which a comment is due */
  constructor(reply: FastifyReply, stream: TextStream, everyMs: number) {
    this.#reply = reply
    this.#stream = stream
    this.#timer = setInterval(() => {
      if (stream.silentMs >= everyMs / 2) this.#say()
    }, everyMs)
  }

  /** It is known who serves: in the headers where they are not out yet. */
  servedBy(served: ServedBy): void {
    this.#served = served
    if (!this.#stream.started) this.#tell(served)
    else if (this.correction) this.#stream.comment(servedText(served))
  }

  /** Set where the headers name another than who served: for the end of the answer. */
  get correction(): ServedBy | undefined {
    const [told, served] = [this.#told, this.#served]
    if (!served || (!told && !this.#stream.started)) return undefined
    const same = told?.device === served.device && told.engine === served.engine
    return same && told.fallback === served.fallback ? undefined : served
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #say(): void {
    const pending = this.pending()
    if (this.#stream.started) this.#stream.comment(pending?.text ?? 'still here')
    else if (pending) {
      if (!this.#served && pending.expected) this.#tell(pending.expected)
      this.#stream.comment(pending.text)
    }
  }

  #tell(served: ServedBy): void {
    this.#told = served
    setServed(this.#reply, served)
  }
}

const servedText = ({ engine, device, fallback }: ServedBy) =>
  `served by ${engine} on ${device}${fallback === undefined ? '' : ` (${fallback})`}`

function waitingText({ position, expected, state, loading }: Waiting): string {
  const { model, engine, device } = expected
  if (position === 0) return `${engine} on ${device} works on it`
  const turn = `position ${position}`
  if (state === 'ready' || state === 'busy') return `waiting, ${turn}`
  const far = loading ? howFar(loading) : ''
  if (state === 'starting') return `loading ${model} on ${device}${far}, ${turn}`
  return `waiting, ${turn}; ${engine} on ${device} is ${state}${far}`
}

function howFar({ ms, progress }: ModelLoading): string {
  if (progress === undefined) return ` for ${Math.round(ms / 1000)} s`
  return progress < 1 ? `, ${Math.floor(progress * 100)} %` : ', in memory, first answer awaited'
}
