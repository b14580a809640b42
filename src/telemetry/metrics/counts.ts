/** Counters and histograms: what an observer hears, summed up. */
import type { Registry } from 'prom-client'
import type { Placement, PlacementRef, Priority, Task } from '../../domain/index.ts'
import type { Observer } from '../observer.ts'
import { PLACEMENT_LABELS, placementLabels, placeName, reasonLabel } from './labels.ts'

type Client = typeof import('prom-client')

/** Seconds: a short text on an NPU takes 1 ms, a long answer minutes. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120]
const BATCH_INPUTS = [1, 2, 4, 8, 16, 32, 64, 128]

type Requested = { readonly task: Task; readonly model: string; readonly priority: Priority }
type Where = PlacementRef & Pick<Placement, 'simulated'>

/** @param simulated whether the server runs on simulated devices: a request that no placement took is labelled by it */
export function countEvents(client: Client, registry: Registry, simulated: boolean): Partial<Observer> {
  const registers = [registry]
  const counter = (name: string, help: string, labelNames: readonly string[]) =>
    new client.Counter({ name, help, labelNames, registers })
  const histogram = (name: string, help: string, labelNames: readonly string[], buckets = SECONDS) =>
    new client.Histogram({ name, help, labelNames, buckets, registers })

  const requested = ['task', 'model', 'priority', 'simulated']
  const moved = ['task', 'model', 'from', 'to', 'reason', 'simulated']
  const requests = counter(
    'tandem_requests_total',
    'Requests that ended, by outcome: done or the code of their error',
    [...requested, 'outcome'],
  )
  const seconds = histogram(
    'tandem_request_seconds',
    'From the submission to the end of a request',
    requested,
  )
  const waited = histogram(
    'tandem_queue_wait_seconds',
    'From the submission until its first input was sent to a worker',
    requested,
  )
  const firstToken = histogram(
    'tandem_first_token_seconds',
    'From the submission of a chat to its first text',
    PLACEMENT_LABELS,
  )
  const promptTokens = counter(
    'tandem_prompt_tokens_total',
    'Tokens read, of prompts and of embedded texts',
    PLACEMENT_LABELS,
  )
  const completionTokens = counter('tandem_completion_tokens_total', 'Tokens written', PLACEMENT_LABELS)
  const batches = counter('tandem_batches_total', 'Batches and chats sent to workers', [
    ...PLACEMENT_LABELS,
    'priority',
  ])
  const batchInputs = histogram('tandem_batch_inputs', 'Inputs of a batch', PLACEMENT_LABELS, BATCH_INPUTS)
  const service = histogram(
    'tandem_service_seconds',
    'From sending a batch or chat to a worker until it answered',
    PLACEMENT_LABELS,
  )
  const failures = counter('tandem_batch_failures_total', 'Batches and chats that a worker did not answer', [
    ...PLACEMENT_LABELS,
    'code',
  ])
  const fallbacks = counter(
    'tandem_fallbacks_total',
    'Batches and chats that another placement served than the first of the plan',
    moved,
  )
  const retries = counter(
    'tandem_retries_total',
    'Requests sent back to the queue by the placement that failed them',
    [...PLACEMENT_LABELS, 'reason'],
  )
  const breakerOpens = counter(
    'tandem_breaker_opens_total',
    'Times that nothing more was sent to a placement because its engine failed too often in a row',
    PLACEMENT_LABELS,
  )
  const continued = counter(
    'tandem_chats_continued_total',
    'Chats that went on elsewhere in mid-answer',
    moved,
  )
  const restarts = counter(
    'tandem_worker_restarts_total',
    'Worker processes lost that are started again, by the code of the error',
    [...PLACEMENT_LABELS, 'code'],
  )
  const loads = counter('tandem_worker_loads_total', 'Models loaded', PLACEMENT_LABELS)
  const loadSeconds = histogram(
    'tandem_worker_load_seconds',
    'What an engine took to load a model',
    PLACEMENT_LABELS,
  )

  const labelsOf = ({ task, model, priority }: Requested, by?: { readonly simulated: boolean }) => ({
    task,
    model,
    priority,
    simulated: String(by?.simulated ?? simulated),
  })
  const moveLabels = (from: Placement, to: Placement, why: string) => ({
    task: to.task,
    model: to.model,
    from: placeName(from),
    to: placeName(to),
    reason: reasonLabel(why),
    simulated: String(to.simulated),
  })

  return {
    refused: (request, error) => requests.inc({ ...labelsOf(request), outcome: error.code.toLowerCase() }),
    ended(request, { ms, error, by, promptTokens: read, completionTokens: written, firstTokenMs }) {
      const labels = labelsOf(request, by)
      requests.inc({ ...labels, outcome: error?.code.toLowerCase() ?? 'done' })
      seconds.observe(labels, ms / 1000)
      if (!by) return
      const where: Where = { ...by, task: request.task }
      if (read) promptTokens.inc(placementLabels(where), read)
      if (written) completionTokens.inc(placementLabels(where), written)
      if (firstTokenMs !== undefined) firstToken.observe(placementLabels(where), firstTokenMs / 1000)
    },
    dispatched({ placement, priority, inputs, waitedMs }) {
      const labels = placementLabels(placement)
      batches.inc({ ...labels, priority })
      batchInputs.observe(labels, inputs)
      const { task, model } = placement
      for (const ms of waitedMs) waited.observe(labelsOf({ task, model, priority }, placement), ms / 1000)
    },
    settled({ placement }, ms, error) {
      const labels = placementLabels(placement)
      if (error) failures.inc({ ...labels, code: error.code.toLowerCase() })
      else service.observe(labels, ms / 1000)
    },
    fellBack: ({ from, to, why }) => fallbacks.inc(moveLabels(from, to, why)),
    retried: (at, why) => retries.inc({ ...placementLabels(at), reason: reasonLabel(why) }),
    continued: ({ from, to, why }) => continued.inc(moveLabels(from, to, why)),
    breaker: (at, openForMs) => {
      if (openForMs !== undefined) breakerOpens.inc(placementLabels(at))
    },
    workerChanged({ placement, state, error, loadMs }) {
      const labels = placementLabels(placement)
      if (state === 'ready') {
        loads.inc(labels)
        if (loadMs !== undefined) loadSeconds.observe(labels, loadMs / 1000)
      }
      if (state === 'restarting' || state === 'quarantined')
        restarts.inc({ ...labels, code: error?.code.toLowerCase() ?? 'unknown' })
    },
  }
}
