/** Profiles of whole machines that a server can be run on without having them. */
export const SIMULATED_MACHINES = [
  'core-ultra-265k-b580',
  'core-ultra-265k',
  'lunar-lake',
  'panther-lake',
  'dual-b60',
  'amd',
  'nvidia',
  'cpu-only',
] as const
export type SimulatedMachineId = (typeof SIMULATED_MACHINES)[number]
