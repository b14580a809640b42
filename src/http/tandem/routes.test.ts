import { afterEach, beforeEach, expect, test } from 'vitest'
import { type PlanChange, TandemError, type WorkerStatus } from '../../domain/index.ts'
import { createTelemetry } from '../../telemetry/index.ts'
import { type DoubleServer, startDouble } from '../testing/doubles.ts'

const worker: WorkerStatus = {
  id: 'w',
  task: 'chat',
  model: 'm',
  engine: 'llama.cpp',
  device: 'cpu',
  simulated: false,
  state: 'starting',
  queued: 0,
  running: 0,
}

let server: DoubleServer
const planListeners = new Set<(change: PlanChange) => void>()
beforeEach(async () => {
  const onPlan = (listener: (change: PlanChange) => void) => {
    planListeners.add(listener)
    return () => planListeners.delete(listener)
  }
  server = await startDouble({}, { onPlan, timing: { workerPollMs: 10, heartbeatMs: 10 } })
})
afterEach(() => server.http.close(0))

const get = (path: string) => fetch(server.url + path)

test('search answers with results and who embedded the query', async () => {
  const response = await server.post('/tandem/v1/search', { query: 'x', limit: 5 })
  expect(response.headers.get('x-tandem-engine')).toBe('onnxruntime')
  expect(await response.json()).toEqual({
    project: 'demo',
    results: [{ path: 'a.ts', startLine: 1, endLine: 2, score: 0.5, language: 'typescript', text: 'a' }],
  })
})

test('a new project gets 202, a known one 200', async () => {
  expect((await server.post('/tandem/v1/projects', { path: '/new' })).status).toBe(202)
  expect((await server.post('/tandem/v1/projects', { path: '/demo', name: 'demo' })).status).toBe(200)
})

test('projects are listed, shown, explained and removed', async () => {
  expect(await (await get('/tandem/v1/projects')).json()).toMatchObject({ projects: [{ name: 'demo' }] })
  expect(await (await get('/tandem/v1/projects/demo')).json()).toMatchObject({ name: 'demo', chunks: 2 })
  const explained = await get('/tandem/v1/projects/demo/explain?path=dist%2Fa.js')
  expect(await explained.json()).toEqual({ path: 'dist/a.js', indexed: false, reason: 'ignored' })
  expect((await fetch(`${server.url}/tandem/v1/projects/demo`, { method: 'DELETE' })).status).toBe(204)
  expect((await get('/tandem/v1/projects/nope')).status).toBe(404)
})

test('devices, plan and status are documents of their own', async () => {
  expect(await (await get('/tandem/v1/devices')).json()).toEqual({ devices: [] })
  expect(await (await get('/tandem/v1/plan')).json()).toMatchObject({ policy: 'development', rejected: [] })
  const other = await get('/tandem/v1/plan?policy=economy&simulate=cpu-only')
  expect(await other.json()).toMatchObject({ policy: 'economy', simulated: true })
  expect((await get('/tandem/v1/plan?policy=')).status).toBe(400)
  expect(await (await get('/tandem/v1/status')).json()).toMatchObject({
    workers: [],
    projects: [{ name: 'demo' }],
  })
})

test('devices come with their load where somebody tells it', async () => {
  const device = (id: string) => ({ id, kind: 'cpu', name: id, engines: {}, simulated: false }) as const
  const other = await startDouble(
    {},
    { devices: () => [device('cpu'), device('x')], load: async () => new Map([['cpu', { busy: 0.5 }]]) },
  )
  try {
    const answer = await fetch(`${other.url}/tandem/v1/devices`)
    expect(await answer.json()).toEqual({ devices: [{ ...device('cpu'), load: { busy: 0.5 } }, device('x')] })
  } finally {
    await other.http.close(0)
  }
})

test('a profile sums up layers by device, with their shares; the model and the text may be named', async () => {
  const response = await server.post('/tandem/v1/profile', {})
  const { engine, device } = server.serving.served
  expect(response.headers.get('x-tandem-engine')).toBe(engine)
  expect(await response.json()).toEqual({
    model: 'small-embed',
    engine,
    device,
    ms: 4,
    devices: [
      { device: 'NPU', layers: 1, ms: 3, share: 0.75 },
      { device: 'CPU', layers: 1, ms: 1, share: 0.25 },
    ],
    layers: [
      { name: 'first', type: 'MatMul', device: 'NPU', ms: 3, share: 0.75 },
      { name: 'second', type: 'Add', device: 'CPU', ms: 1, share: 0.25 },
    ],
  })
  await server.post('/tandem/v1/profile', { model: 'small-embed', text: 'mine' })
  expect(server.serving.profiles.at(-1)).toEqual({ model: 'small-embed', text: 'mine' })
  expect((await server.post('/tandem/v1/profile', { model: 'tiny-chat' })).status).toBe(400)
  expect((await server.post('/tandem/v1/profile', { text: '' })).status).toBe(400)
})

test('models are listed alone and with their projects, and found by name', async () => {
  const models = (await (await get('/v1/models')).json()) as { data: { id: string }[] }
  expect(models.data.map(({ id }) => id)).toEqual(['tiny-chat', 'small-embed', 'tiny-chat@demo'])
  expect(await (await get('/v1/models/tiny-chat%40demo')).json()).toMatchObject({ id: 'tiny-chat@demo' })
  expect((await get('/v1/models/tiny-chat@nope')).status).toBe(404)
  expect((await get('/v1/models/nope')).status).toBe(404)
})

test('events: the status, then what changes, then heartbeats; the end comes with the shutdown', async () => {
  const response = await get('/tandem/v1/events')
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let seen = ''
  const until = async (text: string) => {
    while (!seen.includes(text)) {
      const { value, done } = await reader.read()
      if (done) throw new Error(`ended before ${text}: ${seen}`)
      seen += value
    }
  }
  await until('event: status\ndata: {"version"')
  server.projects.emit({ type: 'updated', project: 'demo', paths: ['a.ts'] })
  await until('event: project\ndata: {"type":"updated","project":"demo","paths":["a.ts"]}\n\n')
  let state: WorkerStatus['state'] = 'starting'
  server.serving.workers = () => [{ ...worker, state }] as never[]
  await until(
    'event: worker\ndata: {"id":"w","task":"chat","model":"m","engine":"llama.cpp","device":"cpu","simulated":false,"state":"starting"',
  )
  state = 'ready'
  await until('"state":"ready"')
  const plan = { policy: 'economy', simulated: false, tasks: {}, rejected: [] }
  for (const listener of planListeners) listener({ plan, cause: 'npu0 is gone' })
  await until('event: plan\ndata: {"plan":{"policy":"economy"')
  await until('"cause":"npu0 is gone"}\n\n')
  await until(': still here')
  await server.http.close(10_000)
  while (!(await reader.read()).done);
})

test('events: a worker that is lost comes at once with all that is known of it; queues tell their depth', async () => {
  const telemetry = await createTelemetry({ version: '0', simulated: false })
  const other = await startDouble({}, { telemetry, timing: { workerPollMs: 20, heartbeatMs: 1_000 } })
  const leave = new AbortController()
  try {
    const placement = { task: 'chat', model: 'm', engine: 'llama.cpp', device: 'cpu', kind: 'cpu' } as const
    other.serving.workers = () => [{ ...worker, pid: 77, state: 'restarting' }] as never[]
    const response = await fetch(`${other.url}/tandem/v1/events`, { signal: leave.signal })
    const events = eventsOf(response)
    expect(await events.next('status')).toMatchObject({ events: [], workers: [{ id: 'w', restarts: 0 }] })
    const error = new TandemError('WORKER_LOST', { worker: 'w', why: 'killed' })
    const lost = { id: 'w', placement: { ...placement, simulated: false }, error, retryInMs: 100 }
    telemetry.observer.workerChanged({ ...lost, state: 'restarting' })
    expect(await events.next('worker')).toMatchObject({
      id: 'w',
      pid: 77,
      state: 'restarting',
      error: error.message,
      retryInMs: 100,
    })
    expect(await events.next('loading')).toMatchObject({ phase: 'started', device: 'cpu' })
    const depth = { task: 'chat', model: 'm', priority: 'bulk', waiting: 3, running: 1 } as const
    other.serving.queues = () => [depth]
    expect(await events.next('queue')).toEqual(depth)
    const status = (await (await fetch(`${other.url}/tandem/v1/status`)).json()) as object
    expect(status).toMatchObject({
      workers: [{ id: 'w', restarts: 1, lastError: { message: error.message } }],
      events: [{ type: 'worker', state: 'restarting' }, { type: 'loading' }],
    })
  } finally {
    leave.abort()
    await other.http.close(0)
    telemetry.close()
  }
})

test('metrics are text for Prometheus and ask for the key as the other routes do', async () => {
  const other = await startDouble({ apiKey: 'secret-key' })
  try {
    expect((await fetch(`${other.url}/metrics`)).status).toBe(401)
    const allowed = await fetch(`${other.url}/metrics`, { headers: { authorization: 'Bearer secret-key' } })
    expect(allowed.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(await allowed.text()).toContain('tandem_build_info{version="0.0.0"')
    const foreign = await fetch(`${other.url}/metrics`, { headers: { origin: 'http://elsewhere.example' } })
    expect(foreign.status).toBe(403)
  } finally {
    await other.http.close(0)
  }
})

/** The data of the next event of a name; others are left out. */
function eventsOf(response: Response) {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  return {
    async next(name: string): Promise<unknown> {
      for (;;) {
        const found = rest.match(/^([\s\S]*?)\n\n/)
        if (found) {
          rest = rest.slice(found[0].length)
          const [, is, data] = /^event: (.*)\ndata: (.*)$/.exec(found[1]!) ?? []
          if (is === name) return JSON.parse(data!)
        } else {
          const { value, done } = await reader.read()
          if (done) throw new Error(`ended before ${name}`)
          rest += value
        }
      }
    },
  }
}

test('more event readers than allowed get 429, and leaving makes room', async () => {
  await server.http.close(0)
  server = await startDouble({}, { maxEventReaders: 32 })
  const leave = new AbortController()
  const open = () => fetch(`${server.url}/tandem/v1/events`, { signal: leave.signal })
  const readers = await Promise.all(Array.from({ length: 32 }, open))
  expect(readers.every(({ status }) => status === 200)).toBe(true)
  expect((await get('/tandem/v1/events')).status).toBe(429)
  leave.abort()
  for (;;) {
    const again = await get('/tandem/v1/events')
    await again.body?.cancel()
    if (again.status === 200) break
  }
})
