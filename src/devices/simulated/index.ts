import type { Device, SimulatedMachineId } from '../../domain/index.ts'
import type { SimulatedMachine } from './machine.ts'
import { PROFILES } from './profiles/index.ts'

export { type Fault, parseFault, parseFaults } from './fault.ts'
export type { SimulatedMachine } from './machine.ts'
export { keepsBeside, simulatedInterference, simulatedMeasurement, simulatedTiming } from './measure.ts'
export { simulatedPrograms } from './programs.ts'
export { type DecoderTiming, type EncoderTiming, encodeMs } from './timing.ts'

/** A machine by the name of its profile. */
export function simulatedMachine(id: SimulatedMachineId): SimulatedMachine {
  return PROFILES[id]
}

/** The devices of a machine as discovery would give them: accelerators first, the CPU last. */
export function simulatedDevices(machine: SimulatedMachine): readonly Device[] {
  return machine.devices.map(({ device }) => device)
}
