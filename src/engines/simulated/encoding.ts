import { type EncoderTiming, encodeMs } from '../../devices/simulated/index.ts'
import { TandemError } from '../../domain/index.ts'
import type { Board } from './board.ts'
import type { Faults } from './faults.ts'
import { Pace } from './pace.ts'

/** The device as an encoder sees it: one inference after the other, each in its time. */
export class Encoding {
  readonly #timing: EncoderTiming
  readonly #board: Board
  readonly #pace: Pace
  #last: Promise<unknown> = Promise.resolve()
  #disposed = false

  constructor(
    timing: EncoderTiming,
    board: Board,
    readonly faults: Faults,
    speedUp: number,
  ) {
    this.#timing = timing
    this.#board = board
    this.#pace = new Pace(board, faults.factor / speedUp)
  }

  /**
   * Passes when the texts would have been read.
   * @param lengths tokens of each
   * @throws TandemError CANCELLED, ENGINE_FAILED
   */
  read(lengths: readonly number[], signal: AbortSignal): Promise<void> {
    const mine = this.#last.then(() => this.#inferences(lengths, signal))
    this.#last = mine.catch(() => undefined)
    return mine
  }

  async dispose(): Promise<void> {
    this.#disposed = true
    await this.#last
    this.#board.close()
  }

  async #inferences(lengths: readonly number[], signal: AbortSignal): Promise<void> {
    if (this.#disposed) throw this.faults.failed('it was disposed of')
    if (signal.aborted) throw new TandemError('CANCELLED')
    const strike = this.faults.begin()
    for (const ms of encodeMs(this.#timing, lengths)) {
      await this.#pace.work(ms, signal)
      strike()
    }
  }
}
