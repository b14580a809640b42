import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Device, DeviceLoad } from '../../domain/index.ts'
import { within } from '../within.ts'
import { cpuLoad } from './cpu.ts'
import { linuxLoad } from './linux.ts'
import { type Look, loadBetween } from './look.ts'
import type { LoadSource } from './source.ts'
import { windowsLoad } from './windows.ts'

export interface LoadOptions {
  readonly signal: AbortSignal
  readonly env: NodeJS.ProcessEnv
  /** Milliseconds between the two looks. */
  readonly intervalMs?: number
}

/** Of each look. */
const LIMIT_MS = 2000
/** The counters of NPUs move once in a while, those of CPUs every 10 ms. */
const INTERVAL_MS = 300

/**
 * How busy each device is now, from two looks at its counters.
 * @returns loads by device id; a device that nobody tells of is absent. Never throws; takes 5 s at most
 */
export async function sampleLoad(
  devices: readonly Device[],
  { signal, env, intervalMs = INTERVAL_MS }: LoadOptions,
): Promise<ReadonlyMap<string, DeviceLoad>> {
  const real = devices.filter(({ simulated }) => !simulated)
  const sources = sourcesOf({ signal, env })
  const loads = await Promise.all(sources.map((source) => sampleSource(source, real, intervalMs, signal)))
  return new Map(loads.flatMap((each) => [...each]))
}

function sourcesOf({ signal, env }: Pick<LoadOptions, 'signal' | 'env'>): readonly LoadSource[] {
  if (process.platform === 'linux') return [cpuLoad, linuxLoad()]
  if (process.platform === 'win32') return [cpuLoad, windowsLoad({ signal, env, limitMs: LIMIT_MS })]
  return [cpuLoad]
}

/** Two looks of one source, each bounded. */
export async function sampleSource(
  source: LoadSource,
  devices: readonly Device[],
  intervalMs: number,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, DeviceLoad>> {
  const look = () => within<ReadonlyMap<string, Look>>(LIMIT_MS, source.look(devices), new Map())
  const first = source.once ? undefined : await look()
  if (first) await sleep(intervalMs, undefined, { signal }).catch(() => undefined) // the second look says what there is
  const last = await look()
  return new Map([...last].map(([id, now]) => [id, loadBetween(first?.get(id), now)]))
}

/** Milliseconds: asked more often, the last answer serves, for looking costs the CPU and wakes devices. */
const FRESH_MS = 1000

/** Samples when it is asked; who asks while it samples, or right after, gets the same answer. */
export function createLoadMeter(
  devices: () => readonly Device[],
  { env, intervalMs = INTERVAL_MS }: Omit<LoadOptions, 'signal'>,
): () => Promise<ReadonlyMap<string, DeviceLoad>> {
  const { signal } = new AbortController() // each sample is short and bounded by itself
  let last:
    | { readonly untilMs: number; readonly answer: Promise<ReadonlyMap<string, DeviceLoad>> }
    | undefined
  return () => {
    const nowMs = performance.now()
    if (last === undefined || nowMs >= last.untilMs)
      last = {
        untilMs: nowMs + intervalMs + FRESH_MS,
        answer: sampleLoad(devices(), { signal, env, intervalMs }),
      }
    return last.answer
  }
}
