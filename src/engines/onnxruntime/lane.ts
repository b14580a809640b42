import { Worker } from 'node:worker_threads'
import { builtEntry } from '../../config/index.ts'
import type { BatchOutput, PoolingSpec, TokenRow } from '../encoder/index.ts'
import type { OnnxModelSpec } from './model.ts'

/** JavaScript of one lane: a few rows at a time; weights, activations and outputs are outside of it. */
const HEAP_MIB = 128

/** What a lane is opened with. Plain data: it crosses threads. */
export interface LaneSpec extends OnnxModelSpec {
  /** Token states are pooled in the lane, for they are a hundred times as large as what is made of them. */
  readonly pooling?: PoolingSpec | undefined
}

/** `close` counts after what was sent before it. */
export type ToLane = { readonly type: 'run'; readonly rows: readonly TokenRow[] } | { readonly type: 'close' }

/** Answers to its start, and to each `run`. */
export type FromLane =
  | { readonly type: 'opened' }
  | { readonly type: 'ran'; readonly output: BatchOutput }
  | { readonly type: 'failed'; readonly why: string }

interface Waiting {
  readonly resolve: (answer: FromLane) => void
  readonly reject: (error: Error) => void
}

/**
 * A model in a thread of its own, for an inference blocks its thread. One that ends by itself takes the process with it, as a crash of
 * the library does: its error has no listener.
 */
export class Lane {
  /** @throws what ONNX Runtime says of a file that it cannot open */
  readonly opened: Promise<void>
  readonly #thread: Worker
  readonly #ended: Promise<void>
  #waiting: Waiting | undefined
  #isClosed = false

  constructor(spec: LaneSpec) {
    this.#thread = new Worker(builtEntry('engines/onnxruntime/lane-thread'), {
      workerData: spec,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
    })
    this.#thread.on('message', (answer: FromLane) => this.#heard(answer))
    this.#ended = new Promise((resolve) => {
      this.#thread.once('exit', () => resolve())
    })
    this.opened = this.#answer().then(() => {})
    this.opened.catch(() => {}) // told to who waits for it
  }

  /** One inference; the next may be asked for when it has ended. */
  async run(rows: readonly TokenRow[]): Promise<BatchOutput> {
    if (this.#isClosed) throw new Error('the model was unloaded')
    this.#thread.postMessage({ type: 'run', rows } satisfies ToLane)
    const answer = await this.#answer()
    if (answer.type !== 'ran') throw new Error(`a lane answered ${answer.type}`)
    return answer.output
  }

  /** Ends it after the inference that it is at. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#thread.postMessage({ type: 'close' } satisfies ToLane)
    await this.#ended
  }

  #answer(): Promise<FromLane> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
    })
  }

  #heard(answer: FromLane): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    if (answer.type === 'failed') waiting?.reject(new Error(answer.why))
    else waiting?.resolve(answer)
  }
}
