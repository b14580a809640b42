import { TandemError } from '../../domain/index.ts'

const MAX_WAITING = 256

/** A place for one answer, with the prompt that it still holds. */
export interface Slot {
  held: readonly string[]
}

/** Hands out slots; the one that holds the longest beginning of the new prompt goes first. */
export class Slots {
  readonly #free: Slot[]
  readonly #waiting: ((slot: Slot) => void)[] = []

  constructor(count: number) {
    this.#free = Array.from({ length: count }, () => ({ held: [] }))
  }

  /** @throws TandemError CANCELLED while it waits, QUEUE_FULL */
  async take(prompt: readonly string[], signal: AbortSignal): Promise<Slot> {
    if (signal.aborted) throw new TandemError('CANCELLED')
    const lengths = this.#free.map(({ held }) => commonBeginning(held, prompt))
    const [slot] = this.#free.splice(Math.max(0, lengths.indexOf(Math.max(...lengths))), 1)
    return slot ?? this.#wait(signal)
  }

  give(slot: Slot): void {
    const next = this.#waiting.shift()
    if (next) next(slot)
    else this.#free.push(slot)
  }

  #wait(signal: AbortSignal): Promise<Slot> {
    if (this.#waiting.length >= MAX_WAITING)
      throw new TandemError('QUEUE_FULL', { device: 'the simulator', waiting: this.#waiting.length })
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

export function commonBeginning(a: readonly string[], b: readonly string[]): number {
  const end = Math.min(a.length, b.length)
  let at = 0
  while (at < end && a[at] === b[at]) at += 1
  return at
}
