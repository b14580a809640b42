import { cpus, freemem, totalmem } from 'node:os'
import type { LoadSource } from './source.ts'

/** The CPU from the system's own counters of its processors' time. */
export const cpuLoad: LoadSource = {
  async look(devices) {
    const cpu = devices.find(({ kind }) => kind === 'cpu')
    const { totalMs, busyMs } = cpuTime()
    if (!cpu || totalMs === 0) return new Map()
    return new Map([[cpu.id, { atMs: totalMs, busyMs, usedBytes: totalmem() - freemem() }]])
  },
}

/** @returns tells the share of the processors, 0..1, that was busy since it was last asked; undefined where nothing passed */
export function cpuBusyMeter(): () => number | undefined {
  let last = cpuTime()
  return () => {
    const now = cpuTime()
    const passed = now.totalMs - last.totalMs
    const busy = now.busyMs - last.busyMs
    last = now
    return passed > 0 ? busy / passed : undefined
  }
}

/** Of all processors together, since the system started. */
export function cpuTime(): { readonly totalMs: number; readonly busyMs: number } {
  const times = cpus().map(({ times }) => times)
  const totalMs = times.reduce((sum, t) => sum + t.user + t.nice + t.sys + t.idle + t.irq, 0)
  return { totalMs, busyMs: totalMs - times.reduce((sum, t) => sum + t.idle, 0) }
}
