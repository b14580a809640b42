import { TandemError } from '../../domain/index.ts'

const MAX_WAITING = 256

export interface SlotPoolOptions<Slot, Piece> {
  readonly slots: readonly Slot[]
  /** What a free slot still holds of earlier prompts. */
  readonly heldBy: (slot: Slot) => readonly Piece[]
  /** Named when too many wait. */
  readonly device: string
}

/** Hands out slots, each a place for one answer; the one that holds the longest beginning of the new prompt goes first. */
export class SlotPool<Slot, Piece> {
  readonly #free: Slot[]
  readonly #heldBy: (slot: Slot) => readonly Piece[]
  readonly #device: string
  readonly #waiting: ((slot: Slot) => void)[] = []

  constructor({ slots, heldBy, device }: SlotPoolOptions<Slot, Piece>) {
    this.#free = [...slots]
    this.#heldBy = heldBy
    this.#device = device
  }

  /** @throws TandemError CANCELLED while it waits, QUEUE_FULL */
  async take(prompt: readonly Piece[], signal: AbortSignal): Promise<Slot> {
    if (signal.aborted) throw new TandemError('CANCELLED')
    const lengths = this.#free.map((slot) => commonBeginning(this.#heldBy(slot), prompt))
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
      throw new TandemError('QUEUE_FULL', { device: this.#device, waiting: this.#waiting.length })
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

/** How many pieces two prompts have in common from their start. */
export function commonBeginning<Piece>(a: readonly Piece[], b: readonly Piece[]): number {
  const end = Math.min(a.length, b.length)
  let at = 0
  while (at < end && a[at] === b[at]) at += 1
  return at
}
