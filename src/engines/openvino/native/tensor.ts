import koffi from 'koffi'
import type { Handle, OpenVino } from './library.ts'

/** OpenVINO's numbers of the element types that encoders use. */
export const ElementType = { f32: 4, i32: 9, i64: 10 } as const

interface Shape {
  rank: number | bigint
  dims: Handle
}

/** Native memory with a shape; freed by whoever made or asked for it. */
export class Tensor {
  readonly handle: Handle
  readonly #library: OpenVino

  constructor(library: OpenVino, handle: Handle) {
    this.#library = library
    this.handle = handle
  }

  static create(library: OpenVino, elementType: number, dims: readonly number[]): Tensor {
    return withShape(
      library,
      dims,
      (shape) => new Tensor(library, library.make('ov_tensor_create', elementType, shape)),
    )
  }

  get elementType(): number {
    return this.#library.number('ov_tensor_get_element_type', this.handle)
  }

  get dims(): number[] {
    const shape: Shape = { rank: 0, dims: 0n }
    this.#library.call('ov_tensor_get_shape', this.handle, shape)
    const rank = Number(shape.rank)
    const dims = rank === 0 ? [] : [...(koffi.decode(shape.dims, 'int64', rank) as number[])].map(Number)
    this.#library.free('ov_shape_free', shape)
    return dims
  }

  /** Never larger than it was made, or its memory moves. */
  reshape(dims: readonly number[]): void {
    withShape(this.#library, dims, (shape) => this.#library.call('ov_tensor_set_shape', this.handle, shape))
  }

  /** Address of its memory. */
  address(): Handle {
    return this.#library.make('ov_tensor_data', this.handle)
  }

  free(): void {
    this.#library.free('ov_tensor_free', this.handle)
  }
}

/** JavaScript's view of native memory, without a copy; only valid while the tensor's memory lives. */
export function memoryAt(address: Handle, bytes: number): ArrayBuffer {
  return koffi.view(address, bytes)
}

function withShape<T>(library: OpenVino, dims: readonly number[], use: (shape: Shape) => T): T {
  const shape: Shape = { rank: 0, dims: 0n }
  library.call('ov_shape_create', dims.length, dims, shape)
  try {
    return use(shape)
  } finally {
    library.free('ov_shape_free', shape)
  }
}
