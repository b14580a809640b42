/** The main process: memory, CPU time, delay of its event loop. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Registry } from 'prom-client'

type Client = typeof import('prom-client')

/** Milliseconds between two looks at the delay of the event loop. */
const RESOLUTION_MS = 50

/** @returns `look` brings the figures up to date, `close` ends the timer behind them */
export function gaugeProcess(client: Client, registry: Registry): { look(): void; close(): void } {
  const gauge = (name: string, help: string, labelNames: readonly string[] = []) =>
    new client.Gauge({ name, help, labelNames, registers: [registry] })
  const resident = gauge('tandem_process_resident_memory_bytes', 'Memory of the main process')
  const heap = gauge('tandem_process_heap_used_bytes', 'JavaScript heap of the main process in use')
  const handles = gauge('tandem_process_open_handles', 'Sockets, pipes, timers and the like that are open')
  const lag = gauge(
    'tandem_event_loop_lag_seconds',
    'How late the event loop was since the last look, by quantile (1: the worst)',
    ['quantile'],
  )
  const cpu = new client.Counter({
    name: 'tandem_process_cpu_seconds_total',
    help: 'CPU time of the main process, all its threads',
    registers: [registry],
  })
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  delay.enable()
  let cpuSeen = 0
  return {
    look() {
      const { rss, heapUsed } = process.memoryUsage()
      resident.set(rss)
      heap.set(heapUsed)
      handles.set(process.getActiveResourcesInfo().length)
      for (const quantile of [0.5, 0.99, 1]) {
        const late = delay.percentile(quantile * 100) / 1e9 - RESOLUTION_MS / 1000
        lag.set({ quantile: String(quantile) }, Math.max(0, late))
      }
      delay.reset()
      const { user, system } = process.cpuUsage()
      const total = (user + system) / 1e6
      cpu.inc(Math.max(0, total - cpuSeen))
      cpuSeen = total
    },
    close: () => delay.disable(),
  }
}
