import { afterEach, expect, test } from 'vitest'
import { type Placement, TandemError } from '../../domain/index.ts'
import { createMetrics, type Metrics } from './metrics.ts'

const GPU: Placement = {
  task: 'chat',
  model: 'm',
  engine: 'llama.cpp',
  device: 'gpu0',
  kind: 'dgpu',
  simulated: true,
}
const CPU: Placement = { ...GPU, device: 'cpu', kind: 'cpu' }
const WHERE = 'task="chat",model="m",engine="llama.cpp",device="gpu0",simulated="true"'
const request = { id: 1, task: 'chat', model: 'm', priority: 'interactive', inputs: 1 } as const

let metrics: Metrics
afterEach(() => metrics.close())

async function linesOf(): Promise<string[]> {
  return (await metrics.text()).split('\n')
}

test('what is heard is counted, with the placement and whether it is simulated', async () => {
  metrics = await createMetrics({ version: '1.2.3', simulated: true })
  const { observer } = metrics
  observer.admitted?.(request)
  const batch = { placement: GPU, priority: 'interactive', inputs: 1, waitedMs: [3] } as const
  observer.dispatched?.(batch)
  observer.settled?.(batch, 40)
  const by = { model: 'm', engine: 'llama.cpp', device: 'gpu0', simulated: true } as const
  observer.ended?.(request, { ms: 43, by, promptTokens: 7, completionTokens: 5, firstTokenMs: 12 })
  observer.refused?.(request, new TandemError('QUEUE_FULL', { device: 'gpu0', waiting: 1 }))
  observer.fellBack?.({ from: GPU, to: CPU, why: 'restarting' })
  observer.fellBack?.({ from: GPU, to: CPU, why: 'a sentence about /home/somebody' })
  observer.retried?.(GPU, 'lost')
  observer.continued?.({ from: GPU, to: CPU, why: 'lost' }, 17)
  const lost = new TandemError('WORKER_LOST', { worker: 'w', why: '/home/somebody/model.gguf' })
  observer.workerChanged?.({ id: 'w', placement: GPU, state: 'restarting', error: lost })
  observer.workerChanged?.({ id: 'w', placement: GPU, state: 'ready', loadMs: 700 })
  const lines = await linesOf()
  const asked = 'task="chat",model="m",priority="interactive",simulated="true"'
  const moved = 'task="chat",model="m",from="llama.cpp@gpu0",to="llama.cpp@cpu"'
  for (const line of [
    `tandem_requests_total{${asked},outcome="done"} 1`,
    `tandem_requests_total{${asked},outcome="queue_full"} 1`,
    `tandem_request_seconds_bucket{le="0.025",${asked}} 0`,
    `tandem_request_seconds_bucket{le="0.05",${asked}} 1`,
    `tandem_queue_wait_seconds_sum{${asked}} 0.003`,
    `tandem_first_token_seconds_sum{${WHERE}} 0.012`,
    `tandem_prompt_tokens_total{${WHERE}} 7`,
    `tandem_completion_tokens_total{${WHERE}} 5`,
    `tandem_batches_total{${WHERE},priority="interactive"} 1`,
    `tandem_batch_inputs_bucket{le="1",${WHERE}} 1`,
    `tandem_service_seconds_sum{${WHERE}} 0.04`,
    `tandem_fallbacks_total{${moved},reason="restarting",simulated="true"} 1`,
    `tandem_fallbacks_total{${moved},reason="other",simulated="true"} 1`,
    `tandem_retries_total{${WHERE},reason="lost"} 1`,
    `tandem_chats_continued_total{${moved},reason="lost",simulated="true"} 1`,
    `tandem_worker_restarts_total{${WHERE},code="worker_lost"} 1`,
    `tandem_worker_loads_total{${WHERE}} 1`,
    `tandem_worker_load_seconds_sum{${WHERE}} 0.7`,
  ])
    expect(lines).toContain(line)
  expect(lines.join('\n')).not.toContain('somebody')
})

test('gauges are read when somebody asks; what is gone has no line any more', async () => {
  metrics = await createMetrics({ version: '1', simulated: false })
  let here = true
  let embedded = 30
  const state = 'quarantined' as const
  metrics.watch({
    workers: () => (here ? [{ ...GPU, id: 'w', state, queued: 0, running: 2 }] : []),
    queues: () => [{ task: 'chat', model: 'm', priority: 'bulk', waiting: 4, running: 1 }],
    devices: () => [{ id: 'gpu0', kind: 'dgpu', name: 'x', engines: {}, memoryBytes: 8e9, simulated: false }],
    load: async () => new Map([['gpu0', { busy: 0.5, mhz: 2000 }]]),
    projects: () => [{ name: 'secret', path: '/p', files: 1, chunks: 9, embedded, state: 'ready' }],
  })
  const first = await linesOf()
  const device = 'device="gpu0",kind="dgpu",simulated="false"'
  for (const line of [
    `tandem_worker_up{${WHERE}} 0`,
    `tandem_worker_breaker_open{${WHERE}} 1`,
    `tandem_worker_state{${WHERE},state="quarantined"} 1`,
    `tandem_worker_requests{${WHERE}} 2`,
    'tandem_queue_requests{task="chat",model="m",priority="bulk",simulated="false",state="waiting"} 4',
    `tandem_device_busy_ratio{${device}} 0.5`,
    `tandem_device_clock_hertz{${device}} 2000000000`,
    `tandem_device_memory_bytes{${device}} 8000000000`,
    'tandem_projects{state="ready"} 1',
    'tandem_index_chunks 9',
    'tandem_index_chunks_embedded_total{simulated="false"} 30',
  ])
    expect(first).toContain(line)
  expect(first.join('\n')).not.toContain('secret')
  here = false
  embedded = 20 // a project was removed: a counter never falls
  const second = await linesOf()
  expect(second.filter((line) => line.startsWith('tandem_worker_up{'))).toEqual([])
  expect(second).toContain('tandem_index_chunks_embedded_total{simulated="false"} 30')
})

test('the text is of the form 0.0.4, every name is ours, the process tells of itself', async () => {
  metrics = await createMetrics({ version: '1.2.3', simulated: false })
  expect(metrics.contentType).toBe('text/plain; version=0.0.4; charset=utf-8')
  const lines = (await linesOf()).filter((line) => line !== '')
  const sample = /^tandem_[a-z0-9_]+(\{[a-z]+="[^"\n]*"(,[a-z]+="[^"\n]*")*\})? [0-9.e+-]+$/
  const described = /^# (HELP|TYPE) tandem_\w+ \S/
  expect(lines.filter((line) => !sample.test(line) && !described.test(line))).toEqual([])
  const figure = (start: string) =>
    Number(
      lines
        .find((line) => line.startsWith(start))
        ?.split(' ')
        .at(-1),
    )
  expect(figure('tandem_process_resident_memory_bytes ')).toBeGreaterThan(1e7)
  expect(figure('tandem_process_cpu_seconds_total ')).toBeGreaterThan(0)
  expect(lines).toContain(`tandem_build_info{version="1.2.3",node="${process.version}",simulated="false"} 1`)
})
