/** The whole server on a simulated machine; the processes, their crashes and restarts are real. */
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, sep } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Device, Plan } from '../../src/domain/index.ts'
import { CHAT, embed, indexed, post, search, statusOf, until } from '../support/api.ts'
import { openChat } from '../support/chat-stream.ts'
import { readIndex } from '../support/read-index.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const PC = 'core-ultra-265k-b580'
const SIMULATE = ['--simulate', PC]

let home: string
let server: TestServer | undefined
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'tandem-simulated-'))
})
afterEach(async () => {
  await server?.stop()
  server = undefined
  rmSync(home, { recursive: true, force: true })
})

const get = async <T>(path: string): Promise<T> => (await (await fetch(`${server!.url}${path}`)).json()) as T
const ready = (id: RegExp) =>
  until(async () => {
    const { workers } = await statusOf(server!)
    return workers.some((worker) => id.test(worker.id) && worker.state === 'ready')
  }, `${id}`)
const servedBy = ({ headers }: Response) => ({
  device: headers.get('x-tandem-device'),
  engine: headers.get('x-tandem-engine'),
  simulated: headers.get('x-tandem-simulated'),
  fallback: headers.get('x-tandem-fallback'),
})

test('the simulated reference PC answers chat on its B580 and embeddings on its NPU at once, all labelled', async () => {
  server = await startTestServer({ home, args: SIMULATE, config: { simulate: { speedUp: 10 } } })
  await Promise.all([ready(/^chat.*gpu0$/), ready(/^embed.*npu0$/)])
  const chat = { messages: [{ role: 'user', content: 'where is the queue bounded?' }] }
  const [answered, embedded] = await Promise.all([
    post(server, '/v1/chat/completions', { ...chat, model: 'qwen2.5-coder-14b' }),
    embed(server, ['the queue is bounded', 'a queue that is bounded', 'draw a circle']),
  ])
  expect(servedBy(answered)).toEqual({
    device: 'gpu0',
    engine: 'llama.cpp',
    simulated: 'true',
    fallback: null,
  })
  expect(servedBy(embedded)).toEqual({
    device: 'npu0',
    engine: 'openvino',
    simulated: 'true',
    fallback: null,
  })
  const { choices } = (await answered.json()) as { choices: { message: { content: string } }[] }
  expect(choices[0]!.message.content).toMatch(/^\[simulated\] You asked: "where is the queue bounded\?"/)
  const { data } = (await embedded.json()) as { data: { embedding: number[] }[] }
  const [a, b, c] = data.map(({ embedding }) => embedding)
  const dot = (x: number[], y: number[]) => x.reduce((sum, each, at) => sum + each * y[at]!, 0)
  expect(dot(a!, b!)).toBeGreaterThan(dot(a!, c!))

  const [plan, { devices }, status] = await Promise.all([
    get<Plan>('/tandem/v1/plan'),
    get<{ devices: Device[] }>('/tandem/v1/devices'),
    get<{ simulated: boolean; workers: { simulated: boolean }[] }>('/tandem/v1/status'),
  ])
  expect(plan.simulated).toBe(true)
  expect(devices.map(({ id, simulated }) => [id, simulated])).toEqual([
    ['npu0', true],
    ['gpu0', true],
    ['gpu1', true],
    ['cpu', true],
  ])
  expect(status.simulated && status.workers.every(({ simulated }) => simulated)).toBe(true)
  const classified = await post(server, '/tandem/v1/classify', { input: 'a positive text' })
  expect(await classified.json()).toMatchObject({ results: [{ labels: [{ label: 'positive' }, {}] }] })
  expect(server.log()).toContain('simulating the reference PC')
})

/** Two placements of each task at most, so that a small machine starts them soon. */
const FEW = {
  placement: {
    chat: 'llama.cpp@gpu0',
    embed: 'openvino@npu0',
    rerank: 'openvino@npu0',
    classify: 'openvino@npu0',
  },
  models: { chat: CHAT },
}

test('[failure-domains] the simulated NPU crashes: embeddings fall back and say so, the chat goes on', async () => {
  const simulate = { faults: { npu0: 'crash:5', gpu0: 'slow:40' }, speedUp: 10 }
  server = await startTestServer({ home, args: SIMULATE, config: { ...FEW, simulate } })
  await Promise.all([ready(/^chat.*gpu0$/), ready(/^embed.*npu0$/)])
  const chat = await openChat(server, 1500)
  await until(() => chat.pieces() > 5, 'the chat')
  const pieces = chat.pieces()
  const seen = new Map<string, string | null>()
  await until(async () => {
    const response = await embed(server!, 'where is the queue bounded?')
    expect(response.status).toBe(200)
    const { device, fallback } = servedBy(response)
    seen.set(device!, fallback)
    return seen.has('gpu1') && seen.has('npu0')
  }, 'an embedding on the NPU and one on the integrated GPU')
  expect(seen.get('npu0')).toBeNull()
  expect(seen.get('gpu1')).toMatch(/^openvino on npu0 is (restarting|starting|failing)/)
  await until(() => chat.pieces() > pieces, 'more of the chat')
  expect(await chat.ended).toEqual({ done: true, broken: false, finishReason: 'length', error: undefined })
  const chatState = async () => (await statusOf(server!)).workers.find(({ task }) => task === 'chat')?.state
  await until(async () => (await chatState()) === 'ready', 'the chat worker is free')
})

/** Every file of a home but what the simulator keeps, with its hash. */
function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((file) => relative(folder, file).split(sep).join('/'))
    .filter((file) => !file.startsWith('simulated/') && file !== 'tandem.yaml')
    .sort()
    .map(
      (file) =>
        `${file} ${createHash('sha256')
          .update(readFileSync(join(folder, file)))
          .digest('hex')}`,
    )
}

test('[vector-safe] a simulated run leaves the real index as it was, byte for byte; wrong vectors are refused', async () => {
  const project = join(home, 'demo')
  mkdirSync(project)
  writeFileSync(join(project, 'queue.ts'), 'export const queueLimit = 256 // the queue is bounded\n')
  const projects = [project]
  server = await startTestServer({ home, projects, config: { placement: { embed: 'onnxruntime' } } })
  await indexed(server)
  await server.stop()
  const before = filesOf(home)
  expect(before.some((file) => file.includes('index.db'))).toBe(true)

  const simulate = { faults: { npu0: 'vectors' }, speedUp: 10 }
  server = await startTestServer({ home, projects, args: SIMULATE, config: { ...FEW, simulate } })
  await indexed(server)
  const [hit] = await search(server, 'where is the queue bounded?')
  expect(hit?.path).toBe('queue.ts')
  let served = servedBy(await embed(server, 'where is the queue?'))
  await until(async () => {
    served = servedBy(await embed(server!, 'where is the queue?'))
    return served.fallback?.includes('refused') ?? false
  }, 'the refusal')
  expect(served).toMatchObject({ device: 'gpu1', engine: 'openvino', simulated: 'true' })
  expect(served.fallback).toMatch(/^openvino on npu0: refused: vectors differ, cosine/)
  const isThere = async () => (await statusOf(server!)).workers.some(({ id }) => /^embed.*npu0/.test(id))
  await until(async () => !(await isThere()), 'the refused worker is gone')
  await server.stop()
  server = undefined
  expect(filesOf(home)).toEqual(before)

  const [real] = readIndex(home).chunks
  const [simulated] = readIndex(join(home, 'simulated', PC)).chunks
  expect(simulated?.text).toBe(real?.text)
  expect(simulated?.vector).not.toEqual(real?.vector)
})
