import * as ort from 'onnxruntime-node'

/** Token states of one batch. */
interface States {
  /** Row-major [rows, width, dimensions]. */
  readonly data: Float32Array
  readonly width: number
  readonly dimensions: number
}

/** A loaded encoder; `run` blocks its thread while it computes. */
export interface EncoderSession {
  /** Runs rows of token ids as one batch, padded to the longest. */
  run(rows: readonly (readonly number[])[]): Promise<States>
  dispose(): Promise<void>
}

/** Everything that one thread share of a CPU wants; benches measure the bare session with the same. */
export function sessionOptions(threads: number): ort.InferenceSession.SessionOptions {
  return {
    executionProviders: ['cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3, // errors only: warnings would mix with the worker's own messages
    // Spinning threads would keep other workers off the cores between batches.
    extra: { session: { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } } },
  }
}

/** Opens an ONNX encoder with `input_ids`, `attention_mask` and, where it wants them, `token_type_ids`. */
export async function openSession(file: string, threads: number): Promise<EncoderSession> {
  const session = await ort.InferenceSession.create(file, sessionOptions(threads))
  const wantsTypes = session.inputNames.includes('token_type_ids')
  const output = session.outputNames.includes('last_hidden_state')
    ? 'last_hidden_state'
    : session.outputNames[0]!
  return {
    run: async (rows) => {
      const result = await session.run(feedsOf(rows, wantsTypes), [output])
      const tensor = result[output]!
      const [, width, dimensions] = tensor.dims
      if (tensor.dims.length !== 3 || !(tensor.data instanceof Float32Array))
        throw new Error(`output ${output} is not float32 of [batch, length, dimensions]`)
      return { data: tensor.data, width: width!, dimensions: dimensions! }
    },
    dispose: () => session.release(),
  }
}

function feedsOf(rows: readonly (readonly number[])[], wantsTypes: boolean): Record<string, ort.Tensor> {
  const width = rows.reduce((longest, row) => Math.max(longest, row.length), 0)
  const shape = [rows.length, width]
  const ids = new BigInt64Array(rows.length * width)
  const mask = new BigInt64Array(rows.length * width)
  rows.forEach((row, r) => {
    for (let i = 0; i < row.length; i++) ids[r * width + i] = BigInt(row[i]!)
    mask.fill(1n, r * width, r * width + row.length)
  })
  const feeds = {
    input_ids: new ort.Tensor('int64', ids, shape),
    attention_mask: new ort.Tensor('int64', mask, shape),
  }
  if (!wantsTypes) return feeds
  return { ...feeds, token_type_ids: new ort.Tensor('int64', new BigInt64Array(ids.length), shape) }
}
