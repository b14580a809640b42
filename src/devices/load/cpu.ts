import { cpus, freemem, totalmem } from 'node:os'
import type { LoadSource } from './source.ts'

/** The CPU from the system's own counters of its processors' time. */
export const cpuLoad: LoadSource = {
  async look(devices) {
    const cpu = devices.find(({ kind }) => kind === 'cpu')
    const times = cpus().map(({ times }) => times)
    if (!cpu || times.length === 0) return new Map()
    const total = times.reduce((sum, t) => sum + t.user + t.nice + t.sys + t.idle + t.irq, 0)
    const idle = times.reduce((sum, t) => sum + t.idle, 0)
    return new Map([[cpu.id, { atMs: total, busyMs: total - idle, usedBytes: totalmem() - freemem() }]])
  },
}
