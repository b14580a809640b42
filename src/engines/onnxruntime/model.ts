import * as ort from 'onnxruntime-node'
import type { BatchOutput, EncoderOutput, TokenRow } from '../encoder/index.ts'

/** What an ONNX encoder is opened with. */
export interface OnnxModelSpec {
  readonly file: string
  /** Compute threads of one inference. */
  readonly threads: number
  /** The output that is read; a model without one of that name gives its first. */
  readonly output: EncoderOutput
}

/** An ONNX encoder with `input_ids`, `attention_mask` and, where it wants them, `token_type_ids`. */
export interface OnnxModel {
  /** One inference; it blocks the thread. */
  run(rows: readonly TokenRow[]): Promise<BatchOutput>
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

/** @throws what ONNX Runtime says of a file that it cannot open */
export async function openModel({ file, threads, output: wanted }: OnnxModelSpec): Promise<OnnxModel> {
  const session = await ort.InferenceSession.create(file, sessionOptions(threads))
  const wantsTypes = session.inputNames.includes('token_type_ids')
  const output = session.outputNames.includes(wanted) ? wanted : session.outputNames[0]!
  return {
    run: async (rows) => {
      const result = await session.run(feedsOf(rows, wantsTypes), [output])
      const { data, dims } = result[output]!
      if (!(data instanceof Float32Array)) throw new Error(`its output ${output} is not float32`)
      return { data, shape: dims }
    },
    dispose: () => session.release(),
  }
}

function feedsOf(rows: readonly TokenRow[], wantsTypes: boolean): Record<string, ort.Tensor> {
  const width = rows.reduce((longest, row) => Math.max(longest, row.ids.length), 0)
  const shape = [rows.length, width]
  const ids = new BigInt64Array(rows.length * width)
  const mask = new BigInt64Array(rows.length * width)
  const types = new BigInt64Array(wantsTypes ? ids.length : 0)
  rows.forEach((row, r) => {
    const start = r * width
    for (let i = 0; i < row.ids.length; i++) ids[start + i] = BigInt(row.ids[i]!)
    mask.fill(1n, start, start + row.ids.length)
    if (wantsTypes && row.types)
      for (let i = 0; i < row.types.length; i++) types[start + i] = BigInt(row.types[i]!)
  })
  const feeds = {
    input_ids: new ort.Tensor('int64', ids, shape),
    attention_mask: new ort.Tensor('int64', mask, shape),
  }
  return wantsTypes ? { ...feeds, token_type_ids: new ort.Tensor('int64', types, shape) } : feeds
}
