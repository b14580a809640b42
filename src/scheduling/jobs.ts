import type { ChatMove, ServedBy } from '../domain/index.ts'
import type { Worker } from '../workers/index.ts'
import type { ChatJob } from './chat-job.ts'
import type { Served } from './contract.ts'
import type { Rows, RowsRequest } from './rows.ts'

/** A request as the loop holds it; the core knows it by its id only. */
export type Job = RowsJob | ChatJob | TurnJob

/** Asks something beside the queue of a worker that must be loaded for it, and stays so until it has answered. */
export interface TurnJob {
  readonly kind: 'turn'
  readonly call: (worker: Worker, signal: AbortSignal) => Promise<void>
  done(): void
  fail(error: unknown): void
}

export interface Ends<T> {
  readonly resolve: (served: Served<T>) => void
  readonly reject: (error: unknown) => void
  readonly onServedBy: ((served: ServedBy) => void) | undefined
  readonly onMoved?: ((served: ServedBy, move: ChatMove) => void) | undefined
}

/** Puts the rows of several batches together. */
export class RowsJob {
  readonly kind = 'rows'
  readonly request: RowsRequest
  readonly #ends: Ends<Rows>
  readonly #tokens: number[]
  readonly #truncated: number[] = []
  #values = new Float32Array(0)
  #width = 0
  #served: ServedBy | undefined

  constructor(request: RowsRequest, ends: Ends<Rows>) {
    this.request = request
    this.#ends = ends
    this.#tokens = new Array<number>(request.inputs.length).fill(0)
  }

  /**
   * Takes the rows of a batch's output that are this request's.
   * @param inputs indexes of this request's inputs
   * @param offset the row of the first of them
   */
  take(output: Rows, inputs: readonly number[], offset: number, served: ServedBy): void {
    const { width } = output
    if (this.#width === 0) {
      this.#width = width
      this.#values = new Float32Array(this.request.inputs.length * width)
    }
    const cut = new Set(output.truncated)
    for (const [i, index] of inputs.entries()) {
      const row = offset + i
      this.#values.set(output.values.subarray(row * width, (row + 1) * width), index * width)
      this.#tokens[index] = output.tokens[row] ?? 0
      if (cut.has(row)) this.#truncated.push(index)
    }
    if (!this.#served?.fallback) this.#served = served // one fallen back batch is worth telling
  }

  done(): void {
    if (!this.#served) throw new Error('a request ended without a batch')
    this.#ends.onServedBy?.(this.#served)
    const truncated = this.#truncated.sort((a, b) => a - b)
    const result = { values: this.#values, width: this.#width, tokens: this.#tokens, truncated }
    this.#ends.resolve({ result, servedBy: this.#served })
  }

  fail(error: unknown): void {
    this.#ends.reject(error)
  }
}
