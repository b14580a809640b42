import { setTimeout as sleep } from 'node:timers/promises'
import { readTaken, type Taken } from '../devices/index.ts'
import { simulatedPrograms } from '../devices/simulated/index.ts'
import { placementsOf } from '../domain/index.ts'
import { freeOnGpus } from '../engines/index.ts'
import { processTree } from '../workers/index.ts'
import { DeviceMemory } from './device-memory.ts'
import type { MemoryOwner } from './loaded-models.ts'

/** Who takes what is read from many small files, on Windows by half a second of PowerShell. */
const LOOK_MS = process.platform === 'win32' ? 60_000 : 10_000
/** A file is all that is read of a simulated machine. */
const SIMULATED_MS = 1_000
/** An engine's probe is a process that opens the driver. */
const ENGINE_MS = 60_000

/** Looks now and then what other programs take of the devices' own memory. @param signal ends it */
export async function watchDeviceMemory(owner: MemoryOwner, signal: AbortSignal): Promise<void> {
  const memory = new DeviceMemory(owner)
  const { simulation } = owner.knowledge.survey
  const read = simulation ? simulatedReader(owner, simulation.home) : reader(owner, signal)
  let said = ''
  while (!signal.aborted) {
    try {
      memory.look(await read(), performance.now())
    } catch (thrown) {
      const why = thrown instanceof Error ? thrown.message : String(thrown)
      if (!signal.aborted && why !== said) owner.log.warn(`memory of the devices: ${why}`)
      said = why
    }
    await sleep(simulation ? SIMULATED_MS : LOOK_MS, undefined, { signal, ref: false }).catch(() => undefined)
  }
}

type Reader = () => Promise<ReadonlyMap<string, Taken>>

function simulatedReader({ knowledge }: MemoryOwner, home: string): Reader {
  return () => simulatedPrograms(knowledge.survey.devices, home)
}

/** What the system tells; of devices of which it tells nothing, now and then what an engine does. */
function reader({ conductor, knowledge }: MemoryOwner, signal: AbortSignal): Reader {
  let askedMs = performance.now() // the survey has just asked
  return async () => {
    const { devices } = knowledge.survey
    const taken = new Map(
      await readTaken(devices, await processTree(process.pid), { signal, env: process.env }),
    )
    const used = new Set(placementsOf(conductor.plan).map(({ device }) => device))
    // a card that nothing of ours is on, nor was, is left asleep
    const untold = devices.filter(
      ({ id, kind, freeBytes, othersBytes, server }) =>
        kind === 'dgpu' &&
        !server &&
        !taken.has(id) &&
        freeBytes !== undefined &&
        (used.has(id) || (othersBytes ?? 0) > 0),
    )
    if (untold.length === 0 || performance.now() - askedMs < ENGINE_MS) return taken
    askedMs = performance.now()
    const free = await freeOnGpus(signal)
    for (const { id, engines, memoryBytes } of untold) {
      const bytes = free.get(engines['llama.cpp'] ?? '')
      if (bytes !== undefined && memoryBytes !== undefined)
        taken.set(id, { usedBytes: Math.max(0, memoryBytes - bytes) })
    }
    return taken
  }
}
