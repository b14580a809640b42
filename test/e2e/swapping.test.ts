/** Two chat models that do not fit together on the simulated reference PC; the processes and their loads are real. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Plan } from '../../src/domain/index.ts'
import { embed, listen, post, statusOf, until } from '../support/api.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const [SMALL, LARGE] = ['qwen2.5-coder-7b', 'qwen2.5-coder-14b'] as const
const alone = { standIns: 0 }

let home: string
let server: TestServer
beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'tandem-swapping-'))
  server = await startTestServer({
    home,
    args: ['--simulate', 'core-ultra-265k-b580'],
    config: {
      models: { chat: SMALL, apply: LARGE },
      // nothing stands in: who asks for what is unloaded waits for it
      placement: {
        policies: { development: { tasks: { chat: alone, embed: alone, rerank: alone, classify: alone } } },
      },
      simulate: { faults: { gpu0: 'slow:2' } },
    },
  })
})
afterEach(async () => {
  await server.stop()
  rmSync(home, { recursive: true, force: true })
})

const ask = (model: string, more: object = {}) =>
  post(server, '/v1/chat/completions', {
    model,
    messages: [{ role: 'user', content: 'where is the queue?' }],
    max_tokens: 4,
    ...more,
  })
const chats = async () => (await statusOf(server)).workers.filter(({ task }) => task === 'chat')
const loadedNow = async () => (await chats()).filter(({ pid }) => pid !== undefined).map(({ model }) => model)

test('two chat models take turns on one device: all are answered, one is loaded at a time, the NPU goes on, and streams are told', async () => {
  const plan = (await (await fetch(`${server.url}/tandem/v1/plan`)).json()) as Plan
  expect(plan.tasks.chat?.map(({ model, device, swapsWith }) => [model, device, swapsWith])).toEqual([
    [SMALL, 'gpu0', [`chat:${LARGE}:llama.cpp:gpu0`]],
    [LARGE, 'gpu0', [`chat:${SMALL}:llama.cpp:gpu0`]],
  ])
  // `/health` was 200 already
  expect(await chats()).toMatchObject([
    { model: SMALL, state: 'ready' },
    { model: LARGE, state: 'stopped', error: expect.stringContaining(`instead of ${SMALL}`) },
  ])
  const ended = new AbortController()
  const { heard, reading } = await listen<{ model: string; phase?: string }>(server, 'loading', ended.signal)
  let running = true
  const together: string[][] = []
  const watching = (async () => {
    while (running) {
      const models = await loadedNow()
      if (models.length > 1) together.push(models)
    }
  })()

  const stream = ask(LARGE, { stream: true })
  await until(async () => (await chats()).some(({ state }) => state === 'starting'), 'the load')
  const left = new AbortController()
  const leaving = fetch(`${server.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: LARGE, messages: [{ role: 'user', content: 'not for long' }] }),
    signal: left.signal,
  }).catch(() => 'left')
  const queued = async () => (await chats()).find(({ model }) => model === LARGE)!.queued
  await until(async () => (await queued()) === 2, 'the second request')
  left.abort()
  expect(await leaving).toBe('left')
  await until(async () => (await queued()) === 1, 'its leaving')
  let embedded = 0
  while ((await chats()).some(({ state }) => state === 'starting')) {
    const response = await embed(server, `text ${embedded}`)
    expect([response.status, response.headers.get('x-tandem-device')]).toEqual([200, 'npu0'])
    embedded += 1
  }
  expect(embedded).toBeGreaterThan(1) // the first was answered while it loaded still
  const text = await (await stream).text()
  expect(text).toMatch(/^: .*gpu0/) // a comment came before the first word
  expect(text).toContain('data: [DONE]')

  const asked = Array.from({ length: 12 }, (_, i) => (i % 2 ? SMALL : LARGE))
  const answers = await Promise.all(asked.map((model) => ask(model)))
  expect(answers.map(({ status }) => status)).toEqual(asked.map(() => 200))
  expect(answers.every(({ headers }) => headers.get('x-tandem-fallback') === null)).toBe(true)
  running = false
  await watching
  ended.abort()
  await reading
  expect(together).toEqual([])
  const starts = heard.filter(({ phase }) => phase === 'started').map(({ model }) => model)
  expect(starts.slice(0, 2)).toEqual([LARGE, SMALL])
  for (const [at, model] of starts.entries()) expect(model).not.toBe(starts[at - 1]) // once, however many ask
  expect(heard).toContainEqual(expect.objectContaining({ model: LARGE, phase: 'loading' }))
})
