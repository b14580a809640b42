import type { DownloadProgress } from '../../models/index.ts'
import { bytes, duration } from '../print/table.ts'
import { bar } from '../progress.ts'

/** Seconds over which the rate is taken. */
const WINDOW_S = 10

/** Turns what a download reports into one line: share, bytes, rate, time left. */
export class PullProgress {
  readonly #name: string
  #samples: { readonly atS: number; readonly fetched: number }[] = []

  constructor(name: string) {
    this.#name = name
  }

  /** @param atS seconds of a clock that only goes forward */
  textOf(progress: DownloadProgress, atS: number, width: number): string {
    const { doneBytes, totalBytes, fetchedBytes, phase, file } = progress
    this.#samples = [
      ...this.#samples.filter((each) => atS - each.atS <= WINDOW_S),
      { atS, fetched: fetchedBytes },
    ]
    const first = this.#samples[0]!
    const elapsed = atS - first.atS
    const rate = elapsed > 0 ? (fetchedBytes - first.fetched) / elapsed : 0
    const share = totalBytes === 0 ? 1 : Math.min(1, doneBytes / totalBytes)
    const parts = [`${this.#name}: ${bar(share)}`, `${bytes(doneBytes)} of ${bytes(totalBytes)}`]
    if (phase === 'verifying') parts.push(`verifying ${file}`)
    else if (rate >= 1) parts.push(`${bytes(rate)}/s`, `${duration((totalBytes - doneBytes) / rate)} left`)
    return parts.join(', ').slice(0, width)
  }
}
