import koffi from 'koffi'
import { CompiledModel } from './compiled-model.ts'
import type { Handle, OpenVino } from './library.ts'
import { SourceModel } from './model.ts'
import { ITEMS } from './types.ts'

type Properties = Readonly<Record<string, string>>

interface List {
  items: Handle
  size: bigint | number
}

/** Entry to devices and models; owns its plugins. */
export class Core {
  readonly #library: OpenVino
  readonly #handle: Handle

  constructor(library: OpenVino) {
    this.#library = library
    this.#handle = library.make('ov_core_create')
  }

  /** Names of the devices that answer: `CPU`, `GPU.0`, `NPU`. */
  devices(): string[] {
    const list: List = { items: 0n, size: 0 }
    this.#library.call('ov_core_get_available_devices', this.#handle, list)
    const names = Number(list.size) === 0 ? [] : koffi.decode(list.items, ITEMS.string, Number(list.size))
    const texts = [...names].map((name: Handle) => koffi.decode.string(name))
    this.#library.free('ov_available_devices_free', list)
    return texts
  }

  /** @throws NativeError when the device is absent or does not know the property */
  property(device: string, key: string): string {
    return this.#library.text('ov_core_get_property', this.#handle, device, key)
  }

  /** For all that is compiled for the device later, also as a part of a virtual one. @throws NativeError */
  setProperties(device: string, properties: Properties): void {
    this.#library.call('ov_core_set_properties', this.#handle, device, ...propertyArgs(properties))
  }

  /** Loads the plugin of a kind of device (`GPU`). @returns its version @throws NativeError */
  pluginVersion(device: string): string {
    const list: List = { items: 0n, size: 0 }
    this.#library.call('ov_core_get_versions_by_device_name', this.#handle, device, list)
    const first =
      Number(list.size) === 0
        ? undefined
        : (koffi.decode(list.items, ITEMS.deviceVersion) as { version: { buildNumber: Handle } })
    const version = first ? koffi.decode.string(first.version.buildNumber) : ''
    this.#library.free('ov_core_versions_free', list)
    return version
  }

  /** Reads an IR's xml (the bin lies beside it) or an ONNX file. @throws NativeError */
  readModel(file: string): SourceModel {
    return new SourceModel(this.#library, this.#library.make('ov_core_read_model', this.#handle, file, null))
  }

  /** Compiles for a device and blocks the thread meanwhile. @throws NativeError */
  compile(model: SourceModel, device: string, properties: Properties): CompiledModel {
    const args = [this.#handle, model.handle, device, ...propertyArgs(properties)]
    return new CompiledModel(this.#library, this.#library.make('ov_core_compile_model_props', ...args))
  }

  /** Like `compile`, on another thread; `model` must live until it ends. */
  async compileAside(model: SourceModel, device: string, properties: Properties): Promise<CompiledModel> {
    const out: [Handle | null] = [null]
    const args = [this.#handle, model.handle, device, ...propertyArgs(properties), out]
    const status = await this.#library.status('ov_core_compile_model_props', ...args)
    // The message of a failure is on the other thread: fail again here, where it can be read.
    if (status !== 0) return this.compile(model, device, properties)
    return new CompiledModel(this.#library, out[0]!)
  }

  free(): void {
    this.#library.free('ov_core_free', this.#handle)
  }
}

function propertyArgs(properties: Properties): [number, { key: string; value: string }[]] {
  const pairs = Object.entries(properties).map(([key, value]) => ({ key, value }))
  return [pairs.length, pairs]
}
