import type { SimulatedMachineId } from '../../../domain/index.ts'
import type { SimulatedMachine } from '../machine.ts'
import { amd } from './amd.ts'
import { coreUltra265k } from './core-ultra-265k.ts'
import { coreUltra265kB580 } from './core-ultra-265k-b580.ts'
import { cpuOnly } from './cpu-only.ts'
import { dualB60 } from './dual-b60.ts'
import { lunarLake } from './lunar-lake.ts'
import { nvidia } from './nvidia.ts'
import { pantherLake } from './panther-lake.ts'

export const PROFILES: Readonly<Record<SimulatedMachineId, SimulatedMachine>> = {
  'core-ultra-265k-b580': coreUltra265kB580,
  'core-ultra-265k': coreUltra265k,
  'lunar-lake': lunarLake,
  'panther-lake': pantherLake,
  'dual-b60': dualB60,
  amd,
  nvidia,
  'cpu-only': cpuOnly,
}
