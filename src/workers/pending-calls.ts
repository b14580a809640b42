import { type ChatDelta, TandemError } from '../domain/index.ts'
import type { CallOptions } from './contract.ts'
import type { CallHealth } from './health.ts'
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
  readonly startedMs: number
  readonly expectedMs: number | undefined
  /** Its last sign of progress. */
  progressMs: number | undefined
  gapMs: number | undefined
  /** When the child was told to cancel; undefined while the caller waits. */
  cancelledMs: number | undefined
}

/** The calls that one worker process has: each ends once, and stays here until the child has let go of it. */
export class PendingCalls {
  readonly #calls = new Map<number, Pending>()
  readonly #send: (message: ToChild) => void
  readonly #nowMs: () => number
  #nextId = 1
  #progressMs = 0

  /** @param nowMs the clock of all times here */
  constructor(send: (message: ToChild) => void, nowMs: () => number) {
    this.#send = send
    this.#nowMs = nowMs
  }

  get size(): number {
    return this.#calls.size
  }

  /** When the engine last showed progress on any call. */
  get progressMs(): number {
    return this.#progressMs
  }

  health(): CallHealth[] {
    return [...this.#calls.values()]
  }

  start<T>(spec: CallSpec<T>): Promise<T> {
    const { signal, deadlineMs, expectedMs, onReleased } = spec.options
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
      this.#calls.set(id, {
        fail,
        succeed,
        onDelta: spec.onDelta,
        onReleased,
        startedMs: this.#nowMs(),
        expectedMs,
        progressMs: undefined,
        gapMs: undefined,
        cancelledMs: undefined,
      })
      this.#send({ type: 'call', id, body: spec.body })
    })
  }

  heard(message: Extract<FromChild, { id: number }>): void {
    this.#progressMs = this.#nowMs()
    const call = this.#calls.get(message.id)
    if (!call) return
    if (message.type === 'delta' || message.type === 'progress') {
      if (call.progressMs !== undefined)
        call.gapMs = Math.max(call.gapMs ?? 0, this.#progressMs - call.progressMs)
      call.progressMs = this.#progressMs
      if (message.type === 'delta' && call.cancelledMs === undefined) call.onDelta?.(message.delta)
      return
    }
    this.#calls.delete(message.id)
    call.onReleased?.()
    if (message.type === 'result') call.succeed(message.value)
    else call.fail(TandemError.fromWire(message.error))
  }

  /** The process is gone: every call ends with `error`. */
  failAll(error: TandemError): void {
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
    call.cancelledMs = this.#nowMs()
    this.#send({ type: 'cancel', id })
  }
}
