import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { TandemError } from '../../domain/index.ts'
import type { Board } from './board.ts'

/** Work is done in pieces of at most so many milliseconds: after each it is seen who else works. */
const PIECE_MS = 25
/** A timer that came late is made up for, unless so much time has passed since. */
const FORGET_MS = 50

/** Lets simulated work take its time, by timers. One stream of work each. */
export class Pace {
  readonly #board: Board
  readonly #factor: number
  /** Milliseconds of work that late timers have done in advance. */
  #ahead = 0
  #endedMs = 0

  /** @param factor of all times: above 1 for a slow device, below for a simulation that is sped up */
  constructor(board: Board, factor: number) {
    this.#board = board
    this.#factor = factor
  }

  /**
   * Passes when work is done that takes `ms` on a device that nobody disturbs.
   * @throws TandemError CANCELLED
   */
  async work(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw new TandemError('CANCELLED')
    if (performance.now() - this.#endedMs > FORGET_MS) this.#ahead = 0
    let left = ms * this.#factor - this.#ahead
    this.#ahead = 0
    while (left > 0) {
      const share = this.#board.share()
      const pieceMs = Math.min(PIECE_MS, left / share)
      this.#board.workFor(pieceMs + 1)
      const startedMs = performance.now()
      await sleep(pieceMs, undefined, { signal }).catch(() => undefined)
      if (signal.aborted) throw new TandemError('CANCELLED')
      left -= (performance.now() - startedMs) * share
    }
    this.#ahead = Math.min(-left, PIECE_MS)
    await nextTurn() // work that takes no time lets a cancel through all the same
    if (signal.aborted) throw new TandemError('CANCELLED')
    this.#endedMs = performance.now()
  }
}
