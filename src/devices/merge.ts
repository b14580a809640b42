import type { Device, DeviceKind, EngineDevice } from '../domain/index.ts'

/** Accelerators before the CPU: a plan prefers devices in their order. */
const ORDER: readonly DeviceKind[] = ['npu', 'dgpu', 'igpu', 'cpu']

/**
 * Puts together what the system and the engines say: an engine's CPU is the one that the system knows, every other device is new.
 * @returns sorted, with ids `npu0`, `gpu0`, `gpu1`, ... (in the engine's order), `cpu`
 */
export function mergeDevices(cpu: Device, found: readonly EngineDevice[]): readonly Device[] {
  let merged = cpu
  const others: Device[] = []
  const counts = { npu: 0, gpu: 0 }
  for (const { engine, name, kind, title, memoryBytes } of found) {
    if (kind === 'cpu') {
      merged = { ...merged, engines: { ...merged.engines, [engine]: name } }
      continue
    }
    const family = kind === 'npu' ? 'npu' : 'gpu'
    others.push({
      id: `${family}${counts[family]++}`,
      kind,
      name: title,
      ...(memoryBytes === undefined ? {} : { memoryBytes }),
      engines: { [engine]: name },
      simulated: false,
    })
  }
  return [...others, merged].sort((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind))
}
