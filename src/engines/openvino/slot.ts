import type { BatchOutput, TokenRow } from '../encoder/index.ts'
import type { CompiledModel } from './native/compiled-model.ts'
import type { OpenVino } from './native/library.ts'
import type { InferRequest, LayerRecord } from './native/request.ts'
import { ElementType, memoryAt, Tensor } from './native/tensor.ts'
import type { EncoderPorts, InputPort } from './ports.ts'

interface Input {
  readonly port: InputPort
  readonly tensor: Tensor
  readonly words: Int32Array
}

/** One inference in flight: a request with input memory that is written again for each batch. */
export class Slot {
  readonly #request: InferRequest
  readonly #inputs: Input[] = []
  readonly #output: string
  #shape: readonly [number, number]
  #view: { address: bigint; data: Float32Array } | undefined

  /** @param capacity rows and width of the largest batch */
  constructor(
    library: OpenVino,
    compiled: CompiledModel,
    ports: EncoderPorts,
    capacity: readonly [number, number],
  ) {
    this.#request = compiled.createRequest()
    this.#output = ports.output
    this.#shape = capacity
    for (const port of ports.inputs) {
      const tensor = Tensor.create(library, port.elementType, capacity)
      const bytes = capacity[0] * capacity[1] * port.words * Int32Array.BYTES_PER_ELEMENT
      this.#inputs.push({ port, tensor, words: new Int32Array(memoryAt(tensor.address(), bytes)) })
      this.#request.setTensor(port.role, tensor)
    }
  }

  /**
   * Runs a batch.
   * @param rows at most `height`; the rest of the batch is empty rows
   * @returns output in native memory, valid until the next batch
   */
  async run(rows: readonly TokenRow[], height: number, width: number): Promise<BatchOutput> {
    this.#fit(height, width)
    for (const input of this.#inputs) write(input, rows, height, width)
    await this.#request.infer()
    const tensor = this.#request.tensor(this.#output)
    try {
      if (tensor.elementType !== ElementType.f32) throw new Error(`its output ${this.#output} is not float32`)
      const shape = tensor.dims
      return { data: this.#viewOf(tensor.address(), shape), shape }
    } finally {
      tensor.free()
    }
  }

  /** Layers of the last batch; needs the property PERF_COUNT. */
  layers(): LayerRecord[] {
    return this.#request.layers()
  }

  free(): void {
    this.#request.free()
    for (const input of this.#inputs) input.tensor.free()
  }

  #fit(height: number, width: number): void {
    if (this.#shape[0] === height && this.#shape[1] === width) return
    this.#shape = [height, width]
    for (const { port, tensor } of this.#inputs) {
      tensor.reshape(this.#shape)
      this.#request.setTensor(port.role, tensor)
    }
  }

  #viewOf(address: bigint, shape: readonly number[]): Float32Array {
    const count = shape.reduce((product, size) => product * size, 1)
    if (this.#view?.address !== address || this.#view.data.length !== count) {
      const memory = memoryAt(address, count * Float32Array.BYTES_PER_ELEMENT)
      this.#view = { address, data: new Float32Array(memory) }
    }
    return this.#view.data
  }
}

/** Ids are below 2^31 and every supported processor is little-endian: the low words are the values. */
function write({ port, words }: Input, rows: readonly TokenRow[], height: number, width: number): void {
  const step = port.words
  words.fill(0, 0, height * width * step)
  rows.forEach((row, r) => {
    let at = r * width * step
    const { length } = row.ids
    if (port.role === 'attention_mask') for (let i = 0; i < length; i++, at += step) words[at] = 1
    else {
      const values = port.role === 'input_ids' ? row.ids : row.types
      if (values) for (let i = 0; i < length; i++, at += step) words[at] = values[i]!
    }
  })
  // An empty row needs one token: attention over nothing is NaN on some devices.
  if (port.role === 'attention_mask') for (let r = rows.length; r < height; r++) words[r * width * step] = 1
}
