/** What an engine's native part does for the code that all encoders share. */
import type { LayerTime } from '../../domain/index.ts'

/** One input of a model. */
export interface TokenRow {
  /** With special tokens, at most as many as the model reads. */
  readonly ids: readonly number[]
  /** Token type (segment) of each id; absent: all 0. */
  readonly types?: readonly number[]
}

/** Output of one batch, valid only until `take` returns: it may lie in native memory that is used again. */
export interface BatchOutput {
  /** Row-major, of `shape`. */
  readonly data: Float32Array
  /**
   * Token states are [rows, width, dimensions], vectors that were pooled of them [rows, dimensions], logits [rows, labels]; there may be
   * more rows than were asked for.
   */
  readonly shape: readonly number[]
  readonly isPooled?: boolean
}

/** A loaded encoder of one engine. */
export interface EncoderSession {
  /** Inferences in flight, where those of several runs go beside each other; absent: 1. */
  readonly inFlight?: number | undefined
  /**
   * Runs every row in batches of its own choice, several at once where the device takes them; looks at `signal` between batches.
   * @param take gets the rows' indexes and the output of each batch, in any order
   * @throws TandemError CANCELLED, or the engine's own error
   */
  run(
    rows: readonly TokenRow[],
    take: (batch: readonly number[], output: BatchOutput) => void,
    signal: AbortSignal,
  ): Promise<void>
  /** Times every layer of one inference. @throws TandemError INVALID_REQUEST when it was not loaded for it */
  profile?(row: TokenRow): Promise<LayerTime[]>
  /** Other compute threads from the next `run` on; absent: those that it was opened with stay. */
  setThreads?(threads: number): Promise<void>
  dispose(): Promise<void>
}
