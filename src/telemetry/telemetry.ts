import { createEventStream, type EventStream } from './events/events.ts'
import { createMetrics, type Metrics } from './metrics/metrics.ts'
import { type Observer, observeWith } from './observer.ts'
import { WorkerHistories, type WorkerHistory } from './worker-history.ts'

/** All that a server tells of itself besides its log. */
export interface Telemetry {
  readonly metrics: Metrics
  readonly events: EventStream
  /** By the worker's id. */
  readonly workerHistory: (id: string) => WorkerHistory
  /** Feeds all of them. */
  readonly observer: Observer
  readonly close: () => void
}

/** @param simulated whether the server runs on simulated devices */
export async function createTelemetry(about: { version: string; simulated: boolean }): Promise<Telemetry> {
  const metrics = await createMetrics(about)
  const events = createEventStream()
  const histories = new WorkerHistories()
  return {
    metrics,
    events,
    workerHistory: (id) => histories.of(id),
    // histories first: who hears an event may ask for them
    observer: observeWith([histories.observer, metrics.observer, events.observer]),
    close() {
      metrics.close()
      events.close()
    },
  }
}
