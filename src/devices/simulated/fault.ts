import { TandemError } from '../../domain/index.ts'
import type { SimulatedMachine } from './machine.ts'

/** What goes wrong with a simulated device; `after` counts answered calls of one worker process. */
export type Fault =
  | { readonly kind: 'crash' | 'hang' | 'lost'; readonly after: number }
  | { readonly kind: 'slow'; readonly factor: number }
  | { readonly kind: 'memory' | 'vectors' }

const FORMS = 'crash:N, hang:N, lost:N (after N answers), slow:FACTOR, memory, vectors'

/**
 * Reads the setting `simulate.faults`.
 * @param given device id -> fault in words, e.g. `{ npu0: 'crash:20' }`
 * @throws TandemError CONFIG_INVALID with the device, what is wrong and what is allowed
 */
export function parseFaults(
  machine: SimulatedMachine,
  given: Readonly<Record<string, string>>,
): ReadonlyMap<string, Fault> {
  const ids = machine.devices.map(({ device }) => device.id)
  const faults = new Map<string, Fault>()
  for (const [device, text] of Object.entries(given)) {
    const where = `simulate.faults.${device}`
    if (!ids.includes(device)) {
      const what = `${machine.id} has no device "${device}"; it has ${ids.join(', ')}`
      throw new TandemError('CONFIG_INVALID', { where, what })
    }
    const fault = parseFault(text)
    if (!fault)
      throw new TandemError('CONFIG_INVALID', { where, what: `"${text}" does not fit; allowed: ${FORMS}` })
    faults.set(device, fault)
  }
  return faults
}

/** @returns undefined for what is no fault */
export function parseFault(text: string): Fault | undefined {
  const [, kind, number] = /^([a-z]+)(?::(\d{1,6}(?:\.\d+)?))?$/.exec(text) ?? []
  const value = number === undefined ? undefined : Number(number)
  switch (kind) {
    case 'crash':
    case 'hang':
    case 'lost':
      return value === undefined || Number.isInteger(value) ? { kind, after: value ?? 0 } : undefined
    case 'slow':
      return value !== undefined && value >= 1 ? { kind, factor: value } : undefined
    case 'memory':
    case 'vectors':
      return value === undefined ? { kind } : undefined
    default:
      return undefined
  }
}
