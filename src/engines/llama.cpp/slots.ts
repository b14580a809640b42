import type { LlamaContext, LlamaContextSequence, Token } from 'node-llama-cpp'
import { TandemError } from '../../domain/index.ts'

const MAX_WAITING = 256

/** A sequence of the context with what it still holds of earlier chats. */
export interface Slot {
  readonly sequence: LlamaContextSequence
  /** Leading tokens that were read in whole blocks, so that reading them again would give the same bits. */
  exact: number
}

/** Hands out slots; the one that holds the longest beginning of the new prompt goes first. */
export class SlotPool {
  readonly #free: Slot[]
  readonly #waiting: ((slot: Slot) => void)[] = []

  /** Takes all sequences of the context. */
  constructor(context: LlamaContext) {
    this.#free = Array.from({ length: context.totalSequences }, () => ({
      sequence: context.getSequence({ contextShift: { strategy: refuseShift } }),
      exact: 0,
    }))
  }

  /** @throws TandemError CANCELLED while it waits, QUEUE_FULL */
  async take(tokens: readonly Token[], signal: AbortSignal): Promise<Slot> {
    if (signal.aborted) throw new TandemError('CANCELLED')
    const lengths = this.#free.map((slot) => commonPrefix(slot.sequence.contextTokens, tokens))
    const best = lengths.indexOf(Math.max(...lengths))
    const [slot] = this.#free.splice(best, best < 0 ? 0 : 1)
    return slot ?? this.#wait(signal)
  }

  give(slot: Slot): void {
    const next = this.#waiting.shift()
    if (next) next(slot)
    else this.#free.push(slot)
  }

  #wait(signal: AbortSignal): Promise<Slot> {
    if (this.#waiting.length >= MAX_WAITING)
      throw new TandemError('QUEUE_FULL', { device: 'llama.cpp', waiting: this.#waiting.length })
    return new Promise((resolve, reject) => {
      const got = (slot: Slot) => {
        signal.removeEventListener('abort', gone)
        resolve(slot)
      }
      const gone = () => {
        this.#waiting.splice(this.#waiting.indexOf(got), 1)
        reject(new TandemError('CANCELLED'))
      }
      this.#waiting.push(got)
      signal.addEventListener('abort', gone, { once: true })
    })
  }
}

export function commonPrefix(a: readonly Token[], b: readonly Token[]): number {
  const end = Math.min(a.length, b.length)
  let i = 0
  while (i < end && a[i] === b[i]) i += 1
  return i
}

/** The decoder stops before the window is full; forgetting the beginning of a chat would be silent. */
function refuseShift(): never {
  throw new Error('the window is full')
}
