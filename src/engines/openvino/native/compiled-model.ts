import type { Handle, OpenVino } from './library.ts'
import { InferRequest } from './request.ts'

/** A model made for one device and shape; owns nothing but itself: its requests must be freed before it. */
export class CompiledModel {
  readonly #library: OpenVino
  readonly #handle: Handle

  constructor(library: OpenVino, handle: Handle) {
    this.#library = library
    this.#handle = handle
  }

  /** @throws NativeError when the device does not know the property */
  property(key: string): string {
    return this.#library.text('ov_compiled_model_get_property', this.#handle, key)
  }

  /** Writes the compiled model to a file. @throws NativeError when the device cannot */
  exportTo(path: string): void {
    this.#library.call('ov_compiled_model_export_model', this.#handle, path)
  }

  createRequest(): InferRequest {
    return new InferRequest(
      this.#library,
      this.#library.make('ov_compiled_model_create_infer_request', this.#handle),
    )
  }

  free(): void {
    this.#library.free('ov_compiled_model_free', this.#handle)
  }
}
