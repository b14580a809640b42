import { type BucketBatch, planBuckets } from './buckets.ts'
import { type Compilation, makeRunner, type OwnedModel, type Target } from './compile.ts'
import type { EncoderPorts } from './ports.ts'
import type { Job, Runner } from './runner.ts'
import { type Group, OpenVinoSession } from './session.ts'

/**
 * One compiled model per length. The shortest is ready when this returns and serves while the rest compile, one after
 * the other; rows of other lengths wait for theirs. Owns the model once it returns.
 */
export async function openStatic(
  target: Target,
  { model, free, explain }: OwnedModel,
  ports: EncoderPorts,
  buckets: readonly number[],
  batch: number,
  report: (compilation: Compilation) => void,
): Promise<OpenVinoSession> {
  const inputs = ports.inputs.map((input) => input.role)
  let stopped = false
  const make = async (bucket: number, aside: boolean): Promise<Runner> => {
    if (stopped) throw new Error('the model was unloaded')
    const shape = [batch, bucket] as const
    model.reshape(inputs, shape)
    const { runner, ms, fromCache } = await makeRunner(target, model, ports, shape, false, aside)
    report({ shape, ms, fromCache, requests: runner.requests })
    return runner
  }
  const [shortest, ...longer] = buckets
  const first = await make(shortest!, false)
  const runners: Promise<Runner>[] = [Promise.resolve(first)]
  for (const bucket of longer) {
    const before = runners.at(-1)!
    runners.push(
      before.then(
        () => make(bucket, true),
        () => make(bucket, true), // one length that failed says nothing of the next
      ),
    )
  }
  return new OpenVinoSession({
    plan: (lengths) => groupsOf(planBuckets(lengths, buckets, batch), buckets, batch, runners),
    runners,
    stop: () => {
      stopped = true
    },
    free,
    explain,
  })
}

/** Batches of one length make one group. */
function groupsOf(
  batches: readonly BucketBatch[],
  buckets: readonly number[],
  height: number,
  runners: readonly Promise<Runner>[],
): Group[] {
  return runners.flatMap((runner, bucket) => {
    const width = buckets[bucket]!
    const jobs: Job[] = batches
      .filter((batch) => batch.bucket === bucket)
      .map(({ rows }) => ({ batch: rows, height, width }))
    return jobs.length > 0 ? [{ runner, jobs }] : []
  })
}
