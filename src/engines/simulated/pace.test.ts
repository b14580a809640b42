import { describe, expect, test } from 'vitest'
import { Board } from './board.ts'
import { Pace } from './pace.ts'
import { boardFile } from './specs.suite.ts'

const keeps = [0.8, 1, 0.5]
/** A board as the worker of one seat sees it, with a clock of its own. */
const seatAt = (device: number, seat: number, clock: { ms: number }) =>
  new Board({ file: `${boardFile}-seats`, device, seat, seats: 4, keeps }, () => clock.ms)

describe('workers of one machine', () => {
  test('keep their share while others work, and take turns on one device; what is past does not count', () => {
    const clock = { ms: 1000 }
    const [mine, sibling, npu, gpu] = [
      seatAt(0, 0, clock),
      seatAt(0, 1, clock),
      seatAt(2, 0, clock),
      seatAt(1, 3, clock),
    ]
    expect(mine.share()).toBe(1)
    mine.workFor(50)
    expect(mine.share()).toBe(1) // itself
    gpu.workFor(50)
    expect(mine.share()).toBe(1) // a device that disturbs nobody
    npu.workFor(50)
    expect(mine.share()).toBe(0.5)
    sibling.workFor(20)
    expect(mine.share()).toBe(0.25)
    clock.ms += 30
    expect(mine.share()).toBe(0.5) // the sibling died or is done
    clock.ms += 30
    expect(mine.share()).toBe(1)
    for (const board of [mine, sibling, npu, gpu]) board.close()
    expect(mine.share()).toBe(1)
    mine.workFor(10) // a worker that ends is told nothing any more
  })
})

describe('the pace', () => {
  const lastingMs = async (work: (pace: Pace) => Promise<void>, factor = 1): Promise<number> => {
    const board = seatAt(0, 0, { ms: 0 })
    const startedMs = performance.now()
    await work(new Pace(board, factor))
    board.close()
    return performance.now() - startedMs
  }
  const never = new AbortController().signal

  test('work takes no less than its time, by the factor; many short ones make up for late timers', async () => {
    const short = async (pace: Pace) => {
      for (let at = 0; at < 50; at++) await pace.work(0.5, never)
    }
    expect(await lastingMs(short)).toBeGreaterThan(24)
    expect(await lastingMs((pace) => pace.work(20, never), 2)).toBeGreaterThan(39)
  })

  test('ends at once when it is cancelled, also where it takes no time', async () => {
    const controller = new AbortController()
    const long = lastingMs((pace) => pace.work(1e6, controller.signal))
    controller.abort()
    await expect(long).rejects.toMatchObject({ code: 'CANCELLED' })
    await expect(lastingMs((pace) => pace.work(0, AbortSignal.abort()))).rejects.toMatchObject({
      code: 'CANCELLED',
    })
  })
})
