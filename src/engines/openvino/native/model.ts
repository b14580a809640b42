import koffi from 'koffi'
import type { Handle, OpenVino } from './library.ts'
import { ITEMS } from './types.ts'

/** One input or output of a model. */
export interface Port {
  readonly name: string
  /** OpenVINO's number of the element type; see `ElementType`. */
  readonly elementType: number
  /** -1 where any size will do. */
  readonly dims: readonly number[]
}

interface PartialShape {
  rank: { min: number | bigint; max: number | bigint }
  dims: Handle
}

const emptyShape = (): PartialShape => ({ rank: { min: 0, max: 0 }, dims: 0n })

/** A model as it was read; compiled models do not need it any more. */
export class SourceModel {
  readonly handle: Handle
  readonly #library: OpenVino

  constructor(library: OpenVino, handle: Handle) {
    this.#library = library
    this.handle = handle
  }

  inputs(): Port[] {
    const count = this.#library.number('ov_model_inputs_size', this.handle)
    return Array.from({ length: count }, (_, i) =>
      this.#port(this.#library.make('ov_model_const_input_by_index', this.handle, i)),
    )
  }

  outputs(): Port[] {
    const count = this.#library.number('ov_model_outputs_size', this.handle)
    return Array.from({ length: count }, (_, i) =>
      this.#port(this.#library.make('ov_model_const_output_by_index', this.handle, i)),
    )
  }

  /** Gives every named input the shape. @throws NativeError when the model cannot take it */
  reshape(inputs: readonly string[], dims: readonly number[]): void {
    const shapes: PartialShape[] = []
    try {
      for (const _ of inputs) {
        const shape = emptyShape()
        this.#library.call('ov_partial_shape_create_static', dims.length, dims, shape)
        shapes.push(shape)
      }
      this.#library.call('ov_model_reshape', this.handle, inputs, shapes, inputs.length)
    } finally {
      for (const shape of shapes) this.#library.free('ov_partial_shape_free', shape)
    }
  }

  free(): void {
    this.#library.free('ov_model_free', this.handle)
  }

  #port(port: Handle): Port {
    const shape = emptyShape()
    try {
      const name = this.#library.text('ov_port_get_any_name', port)
      const elementType = this.#library.number('ov_port_get_element_type', port)
      this.#library.call('ov_port_get_partial_shape', port, shape)
      return { name, elementType, dims: dimsOf(shape) }
    } finally {
      if (shape.dims) this.#library.free('ov_partial_shape_free', shape)
      this.#library.free('ov_output_const_port_free', port)
    }
  }
}

function dimsOf(shape: PartialShape): number[] {
  const rank = Number(shape.rank.max)
  if (rank <= 0 || Number(shape.rank.min) !== rank) return []
  const dims = koffi.decode(shape.dims, ITEMS.dimension, rank) as { min: number; max: number }[]
  return dims.map(({ min, max }) => (min === max ? Number(min) : -1))
}
