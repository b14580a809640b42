import { TandemError } from '../../domain/index.ts'
import type { SimulatedSettings } from './settings.ts'

/** Lets go wrong what the settings ask for; counts the calls of one process. */
export class Faults {
  readonly #settings: SimulatedSettings
  #calls = 0

  /** @param ownCalls those of the start, which do not count: warm-up and the check of the vectors */
  constructor(settings: SimulatedSettings, ownCalls: number) {
    this.#settings = settings
    this.#calls = -ownCalls
  }

  /** Factor of all times. */
  get factor(): number {
    const { fault } = this.#settings
    return fault?.kind === 'slow' ? fault.factor : 1
  }

  get wrongVectors(): boolean {
    return this.#settings.fault?.kind === 'vectors'
  }

  /** @throws TandemError DEVICE_OUT_OF_MEMORY */
  load(model: string): void {
    if (this.#settings.fault?.kind === 'memory')
      throw new TandemError('DEVICE_OUT_OF_MEMORY', { device: this.#settings.device, model })
  }

  /**
   * Counts a call.
   * @returns what goes wrong in the middle of it; nothing when all is well
   * @throws TandemError ENGINE_FAILED once the device is lost
   */
  begin(): () => void {
    const { fault, device } = this.#settings
    const due = fault !== undefined && 'after' in fault && this.#calls >= fault.after
    this.#calls += 1
    if (!due) return () => undefined
    if (fault.kind === 'lost') throw this.failed(`${device}: device lost (a simulated fault)`)
    return () => {
      process.stderr.write(`${device}: ${fault.kind} (a simulated fault)\n`)
      if (fault.kind === 'crash') process.exit(3)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0) // as native code that never returns
    }
  }

  failed(why: string): TandemError {
    return new TandemError('ENGINE_FAILED', { engine: `${this.#settings.engine} (simulated)`, why })
  }
}
