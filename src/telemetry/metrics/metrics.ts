/** The server's metrics in Prometheus' text format: names `tandem_*`, base units, `simulated` where a device is made up. */
import type { Observer } from '../observer.ts'
import { countEvents } from './counts.ts'
import { gaugeStates, type MetricSources } from './gauges.ts'
import { gaugeProcess } from './process.ts'

export interface Metrics {
  /** Counts what it hears. */
  readonly observer: Partial<Observer>
  /** Connects the gauges; until then there are none. */
  readonly watch: (sources: MetricSources) => void
  /** `text/plain; version=0.0.4; charset=utf-8` */
  readonly contentType: string
  /** All of them as they are now. */
  readonly text: () => Promise<string>
  /** Ends what watches the process. */
  readonly close: () => void
}

/** @param simulated whether the server runs on simulated devices */
export async function createMetrics(about: { version: string; simulated: boolean }): Promise<Metrics> {
  const client = await import('prom-client') // 50 ms that only a server needs
  const registry = new client.Registry()
  const { version, simulated } = about
  const info = new client.Gauge({
    name: 'tandem_build_info',
    help: 'Always 1; what runs',
    labelNames: ['version', 'node', 'simulated'],
    registers: [registry],
  })
  info.set({ version, node: process.version, simulated: String(simulated) }, 1)
  const own = gaugeProcess(client, registry)
  let look = async () => {}
  return {
    observer: countEvents(client, registry, simulated),
    watch: (sources) => {
      look = gaugeStates(client, registry, sources, simulated)
    },
    contentType: registry.contentType,
    async text() {
      own.look()
      await look()
      return registry.metrics()
    },
    close: () => own.close(),
  }
}
