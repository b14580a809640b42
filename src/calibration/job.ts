import type { CalibrationContext } from './cache/key.ts'
import type { MeasurementStore, Pair } from './cache/store.ts'
import { measureCandidate } from './calibrate.ts'
import type { Candidate } from './measure/candidate.ts'
import { measureInterference } from './measure/interference.ts'

/** One thing to measure while a server is idle: a placement, or two at once. */
export type MeasuringJob = { readonly candidate: Candidate } | { readonly pair: Pair }

/**
 * Measures and keeps the result.
 * @returns what was measured, one sentence
 * @throws the signal's reason, or what a worker of a pair throws
 */
export async function measureJob(
  job: MeasuringJob,
  store: MeasurementStore,
  context: CalibrationContext,
  options: { readonly signal: AbortSignal; readonly budgetMs: number },
): Promise<string> {
  if ('candidate' in job) {
    const { candidate } = job
    const measurement = await measureCandidate(candidate, context, options)
    options.signal.throwIfAborted()
    const { failed } = measurement
    if (!store.put(candidate, context, measurement))
      throw new Error(`${nameOf(candidate)} ran before and does not now: ${failed}`)
    return failed === undefined
      ? `${nameOf(candidate)} was measured`
      : `${nameOf(candidate)} does not run: ${failed}`
  }
  const [first, second] = job.pair
  const interference = await measureInterference(first, second, options)
  options.signal.throwIfAborted()
  store.putInterference(job.pair, context, interference)
  return `${nameOf(first)} and ${nameOf(second)} were measured at once`
}

function nameOf({ placement: { task, engine, device } }: Candidate): string {
  return `${task} by ${engine} on ${device}`
}
