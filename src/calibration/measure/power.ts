import { setTimeout as sleep } from 'node:timers/promises'
import type { Device } from '../../domain/index.ts'
import { type EnergyCounter, type EnergySample, energyCounter, wattsBetween } from './energy.ts'

/** Milliseconds in which the idle power is read. */
const IDLE_MS = 250

/** Reads what a device takes above idle; undefined where it has no counter. */
export interface PowerMeter {
  start(): Promise<void>
  /** Watts above idle since the start; undefined when the counter began anew. */
  stop(): Promise<number | undefined>
}

/**
 * Takes the idle power of a device before anything is loaded on it.
 * @throws the signal's reason
 */
export async function powerMeter(
  device: Device | undefined,
  signal: AbortSignal | undefined,
): Promise<PowerMeter | undefined> {
  const counter = device && !device.simulated ? await energyCounter(device) : undefined
  if (!counter) return undefined
  const first = await sampleOf(counter)
  await sleep(IDLE_MS, undefined, signal ? { signal } : {})
  const idle = await wattsSince(counter, first)
  let started: EnergySample | undefined
  return {
    start: async () => {
      started = await sampleOf(counter)
    },
    stop: async () => {
      const busy = await wattsSince(counter, started)
      return busy === undefined || idle === undefined ? undefined : Math.max(0, busy - idle)
    },
  }
}

async function sampleOf(counter: EnergyCounter): Promise<EnergySample | undefined> {
  const microjoules = await counter()
  return microjoules === undefined ? undefined : { ms: performance.now(), microjoules }
}

async function wattsSince(
  counter: EnergyCounter,
  before: EnergySample | undefined,
): Promise<number | undefined> {
  const after = await sampleOf(counter)
  return before && after ? wattsBetween(before, after) : undefined
}
