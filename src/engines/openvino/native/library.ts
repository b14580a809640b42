import { dirname } from 'node:path'
import koffi, { type LibraryHandle } from 'koffi'
import { isSupported, OLDEST_OPENVINO } from '../installation/index.ts'
import { badLibrary, NativeError } from './errors.ts'
import { SIGNATURES } from './types.ts'

/** Address of an object that the library owns; 0 never occurs. */
export type Handle = bigint

export type FunctionName = keyof typeof SIGNATURES

interface NativeFunction {
  (...args: unknown[]): unknown
  readonly async: (...args: unknown[]) => void
}

/** OpenVINO's C library, opened once per process and never closed: its thread pools outlive every model. */
export class OpenVino {
  /** `2026.4.1-22201-...`; starts with the release. */
  readonly version: string
  readonly #functions: ReadonlyMap<FunctionName, NativeFunction>

  constructor(functions: ReadonlyMap<FunctionName, NativeFunction>) {
    this.#functions = functions
    const version = { buildNumber: 0n, description: 0n }
    this.call('ov_get_openvino_version', version)
    this.version = koffi.decode.string(version.buildNumber)
    this.free('ov_version_free', version)
  }

  /** Calls a function that returns a status. @throws NativeError with the library's message */
  call(name: FunctionName, ...args: unknown[]): void {
    this.check(name, Number(this.#function(name)(...args)))
  }

  /** Calls a function that returns a status and gives an object to the caller by its last parameter. */
  make(name: FunctionName, ...args: unknown[]): Handle {
    return this.#filled<Handle>(name, args)
  }

  /** Like `make`, for a number. */
  number(name: FunctionName, ...args: unknown[]): number {
    return Number(this.#filled<number | bigint>(name, args))
  }

  /** Like `make`, for a string, which is freed here. */
  text(name: FunctionName, ...args: unknown[]): string {
    return this.#taken(this.make(name, ...args))
  }

  /** Runs on a thread of Node's pool. The message of a failure stays on that thread: this gives the status only. */
  status(name: FunctionName, ...args: unknown[]): Promise<number> {
    return new Promise((resolve, reject) => {
      const done = (error: unknown, status: number) => (error ? reject(error) : resolve(status))
      this.#function(name).async(...args, done)
    })
  }

  /** Calls a function that gives something back; it cannot fail. */
  free(name: FunctionName, object: unknown): void {
    this.#function(name)(object)
  }

  /** Must follow the failed call on the same thread: the message belongs to the thread. @throws NativeError */
  check(name: FunctionName, status: number): void {
    if (status === 0) return
    const message = this.#function('ov_get_last_err_msg')() as Handle | null
    const why = message === null ? String(this.#function('ov_get_error_info')(status)) : this.#taken(message)
    throw new NativeError(name, status, why)
  }

  #filled<T>(name: FunctionName, args: unknown[]): T {
    const out: [T | null] = [null]
    this.call(name, ...args, out)
    return out[0] as T
  }

  #taken(address: Handle): string {
    const text = koffi.decode.string(address)
    this.free('ov_free', address)
    return text
  }

  #function(name: FunctionName): NativeFunction {
    return this.#functions.get(name)!
  }
}

const opened = new Map<string, OpenVino>()

/**
 * Opens OpenVINO's C library.
 * @param path absolute path of `libopenvino_c.so.N`, `openvino_c.dll` or `libopenvino_c.dylib`
 * @throws TandemError ENGINE_LIBRARY_BAD: not a library, other functions, or too old
 */
export function openLibrary(path: string): OpenVino {
  const known = opened.get(path)
  if (known) return known
  const { functions, missing } = findFunctions(path)
  if (missing.length > 0)
    throw badLibrary(
      path,
      `it lacks ${missing.slice(0, 3).join(', ')}; OpenVINO ${OLDEST_OPENVINO} or newer is needed`,
    )
  const library = new OpenVino(functions)
  if (!isSupported(library.version))
    throw badLibrary(path, `it is OpenVINO ${library.version}; ${OLDEST_OPENVINO} or newer is needed`)
  opened.set(path, library)
  return library
}

/** Names of the C functions that this engine uses and the library lacks. @throws TandemError ENGINE_LIBRARY_BAD */
export function missingFunctions(path: string): readonly string[] {
  return findFunctions(path).missing
}

function findFunctions(path: string): {
  functions: Map<FunctionName, NativeFunction>
  missing: FunctionName[]
} {
  const library = load(path)
  const functions = new Map<FunctionName, NativeFunction>()
  const missing: FunctionName[] = []
  for (const [key, [result, parameters]] of Object.entries(SIGNATURES)) {
    const name = key as FunctionName
    try {
      functions.set(name, library.func(name, result, [...parameters]))
    } catch {
      missing.push(name)
    }
  }
  return { functions, missing }
}

function load(path: string): LibraryHandle {
  // Windows looks for the libraries beside this one, and those of the plugins, on PATH.
  if (process.platform === 'win32') process.env['PATH'] = `${dirname(path)};${process.env['PATH'] ?? ''}`
  try {
    return koffi.load(path)
  } catch (error) {
    throw badLibrary(path, error instanceof Error ? error.message : String(error), error)
  }
}
