import { batchTokens, type EncoderSession, planBatches, Slots, shareTokens, turn } from '../encoder/index.ts'
import { Lane, type LaneSpec } from './lane.ts'
import { type OnnxModelSpec, openModel } from './model.ts'

/** Padded tokens of one inference beside others, on one thread: twice as many do no more, and a query waits twice as long for its turn. */
const LANE_TOKENS = 256

/** What a model is opened with on any number of threads. */
export type SessionSpec = Omit<LaneSpec, 'threads'>

/** @param lanes compute threads of each of several inferences that run at once; one alone runs in this thread */
export function openSession(spec: SessionSpec, lanes: readonly number[]): Promise<EncoderSession> {
  return lanes.length > 1 ? openLanes(spec, lanes) : openOne({ ...spec, threads: lanes[0]! })
}

async function openOne(spec: OnnxModelSpec): Promise<EncoderSession> {
  const model = await openModel(spec)
  const maxTokens = batchTokens(spec.threads)
  return {
    run: async (rows, take, signal) => {
      const lengths = rows.map((row) => row.ids.length)
      for (const batch of planBatches(lengths, maxTokens)) {
        await turn(signal) // the native call blocks: messages of the process are read in between
        take(batch, await model.run(batch.map((index) => rows[index]!)))
      }
    },
    dispose: () => model.dispose(),
  }
}

async function openLanes(spec: SessionSpec, widths: readonly number[]): Promise<EncoderSession> {
  const lanes = widths.map((threads) => new Lane({ ...spec, threads }))
  const close = async () => {
    await Promise.all(lanes.map((lane) => lane.close()))
  }
  try {
    await Promise.all(lanes.map((lane) => lane.opened))
  } catch (error) {
    await close()
    throw error
  }
  const slots = new Slots(lanes)
  const maxTokens = LANE_TOKENS * widths.at(-1)!
  return {
    inFlight: lanes.length,
    run: (rows, take, signal) => {
      const lengths = rows.map((row) => row.ids.length)
      const batches = planBatches(lengths, shareTokens(lengths, lanes.length, maxTokens))
      const longestFirst = batches.reverse() // the last to end are short
      return slots.run(longestFirst, signal, async (lane, batch) => {
        take(batch, await lane.run(batch.map((index) => rows[index]!)))
      })
    },
    dispose: close,
  }
}
