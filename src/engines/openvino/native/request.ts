import koffi from 'koffi'
import type { Handle, OpenVino } from './library.ts'
import { Tensor } from './tensor.ts'
import { ITEMS } from './types.ts'

/** What one layer did in the last inference. */
export interface LayerRecord {
  readonly name: string
  readonly type: string
  /** How the device ran it (`brgemm_avx512_I8`). */
  readonly execType: string
  readonly ran: boolean
  readonly microseconds: number
}

const EXECUTED = 2

/** One inference at a time; several requests of a model run beside each other. */
export class InferRequest {
  readonly #library: OpenVino
  readonly #handle: Handle

  constructor(library: OpenVino, handle: Handle) {
    this.#library = library
    this.#handle = handle
  }

  /** The caller frees the tensor; its memory is the request's. @throws NativeError */
  tensor(name: string): Tensor {
    return new Tensor(this.#library, this.#library.make('ov_infer_request_get_tensor', this.#handle, name))
  }

  /** The request keeps the tensor's memory alive. @throws NativeError when type or shape do not fit the model */
  setTensor(name: string, tensor: Tensor): void {
    this.#library.call('ov_infer_request_set_tensor', this.#handle, name, tensor.handle)
  }

  /**
   * Runs the model once on native threads. Starting does not wait for a thread of Node's pool, waiting does: requests
   * in flight are not bounded by the pool.
   * @throws NativeError
   */
  async infer(): Promise<void> {
    this.#library.call('ov_infer_request_start_async', this.#handle)
    const status = await this.#library.status('ov_infer_request_wait', this.#handle)
    // It has ended: waiting again tells the failure, with its message, to this thread.
    if (status !== 0) this.#library.call('ov_infer_request_wait', this.#handle)
    this.#library.check('ov_infer_request_wait', status)
  }

  /** Layers of the last inference in their order; needs the property PERF_COUNT. @throws NativeError without it */
  layers(): LayerRecord[] {
    const list = { items: 0n, size: 0 }
    this.#library.call('ov_infer_request_get_profiling_info', this.#handle, list)
    const count = Number(list.size)
    const records = count === 0 ? [] : (koffi.decode(list.items, ITEMS.layerTime, count) as NativeLayer[])
    const layers = records.map((record) => ({
      name: koffi.decode.string(record.nodeName),
      type: koffi.decode.string(record.nodeType),
      execType: koffi.decode.string(record.execType),
      ran: record.status === EXECUTED,
      microseconds: Number(record.realUs),
    }))
    this.#library.free('ov_profiling_info_list_free', list)
    return layers
  }

  free(): void {
    this.#library.free('ov_infer_request_free', this.#handle)
  }
}

interface NativeLayer {
  readonly status: number
  readonly realUs: number | bigint
  readonly nodeName: Handle
  readonly execType: Handle
  readonly nodeType: Handle
}
