/** NPU, integrated GPU and CPU read the same memory: while one works, another has less of it. */
import type { DeviceKind } from '../../../domain/index.ts'
import { estimated, known } from '../figure.ts'
import type { Contention, SimulatedDevice } from '../machine.ts'

/** Share that the first keeps beside the second. */
const KEEPS: Readonly<Partial<Record<`${DeviceKind} ${DeviceKind}`, number>>> = {
  'npu cpu': 0.85,
  'npu igpu': 0.8,
  'igpu npu': 0.9,
  'igpu cpu': 0.7,
  'cpu npu': 0.9,
  'cpu igpu': 0.75,
}

const WHY = 'they share the memory of the system; nobody published how much'
const SEPARATE =
  'measured for this project: a model with the shapes of 14B on a discrete GPU kept 0.99 of its tokens/s beside 8 CPU threads that embed'

/** All pairs of a machine that disturb each other. */
export function contentionOf(devices: readonly SimulatedDevice[]): Contention[] {
  return devices.flatMap(({ device }) =>
    devices.flatMap(({ device: beside }) => {
      const keeps = KEEPS[`${device.kind} ${beside.kind}`]
      const pair = { device: device.id, beside: beside.id }
      if (keeps !== undefined) return [{ ...pair, keeps: estimated(keeps, WHY) }]
      const fed = device.kind === 'dgpu' && beside.kind === 'cpu'
      return fed ? [{ ...pair, keeps: known(0.99, SEPARATE) }] : []
    }),
  )
}
