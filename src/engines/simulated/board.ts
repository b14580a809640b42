import { closeSync, constants, mkdirSync, openSync, readSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import type { SimulatedSettings } from './settings.ts'

const BYTES = 8

/**
 * A small file in which each worker of a machine says until when it works, so that the others slow down meanwhile. An entry is a
 * time that passes: a worker that dies leaves nothing behind.
 */
export class Board {
  readonly #settings: SimulatedSettings['board']
  readonly #file: number
  readonly #entries: Float64Array
  #open = true

  /** @param now milliseconds since 1970, the same in all processes */
  constructor(
    settings: SimulatedSettings['board'],
    readonly now: () => number = Date.now,
  ) {
    mkdirSync(dirname(settings.file), { recursive: true })
    this.#file = openSync(settings.file, constants.O_RDWR | constants.O_CREAT, 0o600)
    this.#entries = new Float64Array(settings.keeps.length * settings.seats)
    this.#settings = settings
  }

  /** Says that this worker works for so many milliseconds from now. */
  workFor(ms: number): void {
    if (!this.#open) return
    const { device, seat, seats } = this.#settings
    const until = Float64Array.of(this.now() + ms)
    writeSync(this.#file, new Uint8Array(until.buffer), 0, BYTES, (device * seats + seat) * BYTES)
  }

  /** Share of its speed that this worker has now, 0..1: on its own device it takes turns, beside others it keeps what it keeps. */
  share(): number {
    if (!this.#open) return 1
    const { device, seat, seats, keeps } = this.#settings
    const bytes = new Uint8Array(this.#entries.buffer)
    bytes.fill(0, readSync(this.#file, bytes, 0, bytes.length, 0))
    const nowMs = this.now()
    let share = 1
    for (const [other, kept] of keeps.entries()) {
      const busy = this.#entries.subarray(other * seats, (other + 1) * seats)
      const working = busy.filter(
        (untilMs, at) => untilMs > nowMs && !(other === device && at === seat),
      ).length
      if (other === device) share /= 1 + working
      else if (working > 0) share *= kept
    }
    return share
  }

  close(): void {
    if (this.#open) closeSync(this.#file)
    this.#open = false
  }
}
