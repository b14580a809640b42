/** Gauges: how things stand when somebody asks. */
import type { Registry } from 'prom-client'
import type { Device, DeviceLoad, ProjectStatus, QueueDepth, WorkerStatus } from '../../domain/index.ts'
import { PLACEMENT_LABELS, placementLabels } from './labels.ts'

type Client = typeof import('prom-client')

/** Where the figures come from. */
export interface MetricSources {
  readonly workers: () => readonly WorkerStatus[]
  readonly queues: () => readonly QueueDepth[]
  readonly devices: () => readonly Device[]
  /** How busy each device is now, by id. Never throws. */
  readonly load: () => Promise<ReadonlyMap<string, DeviceLoad>>
  readonly projects: () => readonly ProjectStatus[]
}

/** All names and units of a device's load. */
const LOAD = {
  tandem_device_busy_ratio: ['Share of the device that is at work, 0 to 1', ({ busy }) => busy],
  tandem_device_memory_used_bytes: ['Memory of the device that is taken', ({ usedBytes }) => usedBytes],
  tandem_device_clock_hertz: ['Clock of the device', ({ mhz }) => mhz && mhz * 1e6],
  tandem_device_power_watts: ['Power that the device takes', ({ watts }) => watts],
} as const satisfies Record<string, readonly [string, (load: DeviceLoad) => number | undefined]>

/** @param simulated whether the server runs on simulated devices */
export function gaugeStates(
  client: Client,
  registry: Registry,
  sources: MetricSources,
  simulated: boolean,
): () => Promise<void> {
  const gauge = (name: string, help: string, labelNames: readonly string[]) =>
    new client.Gauge({ name, help, labelNames, registers: [registry] })
  const deviceLabels = ['device', 'kind', 'simulated']
  const up = gauge('tandem_worker_up', '1 while the worker answers, else 0', PLACEMENT_LABELS)
  const state = gauge('tandem_worker_state', '1 for the state that the worker is in', [
    ...PLACEMENT_LABELS,
    'state',
  ])
  const breaker = gauge(
    'tandem_worker_breaker_open',
    '1 while nothing is sent to the worker because it failed too often',
    PLACEMENT_LABELS,
  )
  const running = gauge('tandem_worker_requests', 'Requests at the worker', PLACEMENT_LABELS)
  const queue = gauge('tandem_queue_requests', 'Requests that wait, and that are at a worker', [
    'task',
    'model',
    'priority',
    'state',
    'simulated',
  ])
  const load = Object.entries(LOAD).map(([name, [help, figure]]) => ({
    figure,
    gauge: gauge(name, help, deviceLabels),
  }))
  const memory = gauge('tandem_device_memory_bytes', 'Memory of the device', deviceLabels)
  const projects = gauge('tandem_projects', 'Projects by state', ['state'])
  const chunks = gauge('tandem_index_chunks', 'Chunks in all indexes', [])
  const pending = gauge('tandem_index_chunks_pending', 'Chunks that wait for their vector', [])
  const embedded = new client.Counter({
    name: 'tandem_index_chunks_embedded_total',
    help: 'Chunks embedded since the start',
    labelNames: ['simulated'],
    registers: [registry],
  })
  let seen = 0

  return async () => {
    for (const each of [up, state, breaker, running, queue, memory, projects]) each.reset()
    for (const each of load) each.gauge.reset()
    for (const worker of sources.workers()) {
      const labels = placementLabels(worker)
      up.set(labels, Number(worker.state === 'ready' || worker.state === 'busy'))
      state.set({ ...labels, state: worker.state }, 1)
      breaker.set(labels, Number(worker.state === 'quarantined'))
      running.set(labels, worker.running)
    }
    for (const { task, model, priority, waiting, running } of sources.queues()) {
      const labels = { task, model, priority, simulated: String(simulated) }
      queue.set({ ...labels, state: 'waiting' }, waiting)
      queue.set({ ...labels, state: 'running' }, running)
    }
    const loads = await sources.load()
    for (const device of sources.devices()) {
      const labels = { device: device.id, kind: device.kind, simulated: String(device.simulated) }
      if (device.memoryBytes !== undefined) memory.set(labels, device.memoryBytes)
      for (const { figure, gauge } of load) {
        const value = figure(loads.get(device.id) ?? {})
        if (value !== undefined) gauge.set(labels, value)
      }
    }
    const all = sources.projects()
    for (const project of all) projects.inc({ state: project.state })
    chunks.set(sum(all.map((project) => project.chunks)))
    pending.set(sum(all.map((project) => project.progress?.chunksPending ?? 0)))
    const total = sum(all.map((project) => project.embedded))
    embedded.inc({ simulated: String(simulated) }, Math.max(0, total - seen)) // a removed project takes nothing back
    seen = total
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}
