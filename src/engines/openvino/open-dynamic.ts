import { batchTokens, planBatches, shareTokens } from '../encoder/index.ts'
import { type Compilation, makeRunner, type OwnedModel, type Target } from './compile.ts'
import type { EncoderPorts } from './ports.ts'
import type { Job } from './runner.ts'
import { OpenVinoSession } from './session.ts'

/** Padded tokens of one batch: an inference in flight has a thread of its own. */
const MAX_TOKENS = batchTokens(1)

/** One compiled model for every length; batches are of like lengths. Owns the model once it returns. */
export async function openDynamic(
  target: Target,
  { model, free, explain }: OwnedModel,
  ports: EncoderPorts,
  maxTokens: number,
  report: (compilation: Compilation) => void,
): Promise<OpenVinoSession> {
  const capacity = Math.max(MAX_TOKENS, maxTokens)
  const { runner, ms, fromCache } = await makeRunner(target, model, ports, [1, capacity], true, false)
  report({ ms, fromCache, requests: runner.requests })
  const made = Promise.resolve(runner)
  const { requests } = runner
  const jobOf = (lengths: readonly number[], batch: readonly number[]): Job => {
    const width = batch.reduce((longest, row) => Math.max(longest, lengths[row]!), 0)
    return { batch, height: batch.length, width }
  }
  return new OpenVinoSession({
    inFlight: requests,
    plan: (lengths) => {
      const batches = planBatches(lengths, shareTokens(lengths, requests, MAX_TOKENS))
      return [{ runner: made, jobs: batches.map((batch) => jobOf(lengths, batch)) }]
    },
    runners: [made],
    stop: () => {},
    free,
    explain,
  })
}
