import { type ChatDelta, TandemError } from '../domain/index.ts'
import type { CallOptions } from './contract.ts'
import type { CallBody, FromChild, ToChild } from './wire.ts'

export interface CallSpec<T> {
  readonly body: CallBody
  readonly options: CallOptions
  readonly onDelta?: (delta: ChatDelta) => void
  /** @throws TandemError ENGINE_FAILED when the answer cannot be right */
  readonly check: (value: unknown) => T
}

interface Pending {
  /** Ends the caller's wait; later endings do nothing. */
  readonly fail: (error: TandemError) => void
  readonly succeed: (value: unknown) => void
  readonly onDelta: ((delta: ChatDelta) => void) | undefined
  readonly onReleased: (() => void) | undefined
  /** When the child was told to cancel; undefined while the caller waits. */
  cancelledMs: number | undefined
}

/** The calls that one worker process has: each ends once, and stays here until the child has let go of it. */
export class PendingCalls {
  readonly #calls = new Map<number, Pending>()
  readonly #send: (message: ToChild) => void
  readonly #hangMs: number
  readonly #onHang: () => void
  #nextId = 1
  #lastHeardMs = 0
  #hangTimer: NodeJS.Timeout | undefined

  constructor(send: (message: ToChild) => void, hangMs: number, onHang: () => void) {
    this.#send = send
    this.#hangMs = hangMs
    this.#onHang = onHang
  }

  get size(): number {
    return this.#calls.size
  }

  start<T>(spec: CallSpec<T>): Promise<T> {
    const { signal, deadlineMs, onReleased } = spec.options
    if (signal?.aborted) {
      onReleased?.()
      return Promise.reject(new TandemError('CANCELLED'))
    }
    const id = this.#nextId++
    return new Promise<T>((resolve, reject) => {
      const cancel = (error: TandemError) => {
        this.#cancel(id)
        fail(error)
      }
      const abort = () => cancel(new TandemError('CANCELLED'))
      const timer =
        deadlineMs === undefined
          ? undefined
          : setTimeout(() => cancel(new TandemError('DEADLINE', { ms: deadlineMs })), deadlineMs)
      const detach = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', abort)
      }
      const fail = (error: TandemError) => {
        detach()
        reject(error)
      }
      const succeed = (value: unknown) => {
        detach()
        try {
          resolve(spec.check(value))
        } catch (error) {
          reject(error)
        }
      }
      signal?.addEventListener('abort', abort, { once: true })
      this.#calls.set(id, { fail, succeed, onDelta: spec.onDelta, onReleased, cancelledMs: undefined })
      this.#send({ type: 'call', id, body: spec.body })
    })
  }

  heard(message: Extract<FromChild, { id: number }>): void {
    this.#lastHeardMs = performance.now()
    const call = this.#calls.get(message.id)
    if (!call) return
    if (message.type === 'delta') {
      if (call.cancelledMs === undefined) call.onDelta?.(message.delta)
      return
    }
    this.#calls.delete(message.id)
    call.onReleased?.()
    if (message.type === 'result') call.succeed(message.value)
    else call.fail(TandemError.fromWire(message.error))
  }

  /** The process is gone: every call ends with `error`. */
  failAll(error: TandemError): void {
    clearTimeout(this.#hangTimer)
    const calls = [...this.#calls.values()]
    this.#calls.clear()
    for (const call of calls) {
      call.onReleased?.()
      call.fail(error)
    }
  }

  #cancel(id: number): void {
    const call = this.#calls.get(id)
    if (!call) return
    call.cancelledMs = performance.now()
    this.#send({ type: 'cancel', id })
    this.#hangTimer ??= setTimeout(() => this.#lookForHang(), this.#hangMs)
  }

  #lookForHang(): void {
    this.#hangTimer = undefined
    const cancels = [...this.#calls.values()].flatMap((call) => call.cancelledMs ?? [])
    if (cancels.length === 0) return
    const waitMs = hangVerdict(Math.min(...cancels), this.#lastHeardMs, performance.now(), this.#hangMs)
    if (waitMs === 0) this.#onHang()
    else this.#hangTimer = setTimeout(() => this.#lookForHang(), waitMs)
  }
}

/**
 * Whether a child that owes the answer to a cancel hangs: it has said nothing for `hangMs` since. Pure.
 * @returns 0 when it hangs, else the milliseconds after which to look again
 */
export function hangVerdict(cancelledMs: number, lastHeardMs: number, nowMs: number, hangMs: number): number {
  const silentSinceMs = Math.max(cancelledMs, lastHeardMs)
  return Math.max(0, Math.ceil(silentSinceMs + hangMs - nowMs))
}
