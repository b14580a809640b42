/** The short form of `npm run chaos`: each fault on each of its tasks once. */
import { expect, test } from 'vitest'
import { runChaos } from './chaos.ts'
import { missed, type Report } from './report.ts'
import { runSimulated } from './simulated.ts'

const LIMIT_MS = 1_800_000
const never = new AbortController().signal
const silent = () => {}

/** All that was counted wrong; figures of time are for the long form. */
function wrong({ rows, failures }: Report): string[] {
  const counts = rows.filter((row) => row.unit !== 'ms' && missed(row))
  return [...failures, ...counts.map(({ what, value }) => `${what}: ${value}`)]
}

test.runIf(process.platform === 'linux')(
  '[failure-domains] [nothing-lost] workers are killed, stopped and fed with garbage under mixed traffic: no embedding fails, no stream is cut, the index is as a fresh one',
  { timeout: LIMIT_MS },
  async () => {
    const options = { seed: 1, requests: 300, streams: 16, kills: 1, each: 1 }
    // time for a chat between two faults on a busy machine: three losses of one request are its end, as they should be
    const report = await runChaos({ ...options, pauseMs: [1_500, 2_500] }, silent, never)
    expect(wrong(report)).toEqual([])
    expect(report.rows.find(({ what }) => what === 'streams complete and equal')?.value).toBeGreaterThan(0)
  },
)

test('[failure-domains] [no-silent-fallback] a simulated NPU crashes again and again: the other placements embed on', {
  timeout: LIMIT_MS,
}, async () => {
  const report = await runSimulated({ requests: 120, faults: ['crash:20', 'lost:20'] }, silent, never)
  expect(wrong(report)).toEqual([])
})
