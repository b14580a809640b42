/** Clients that leave, wherever their chat stands: what they held is free for the next one. The real chat worker, one slot. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CHAT, post, statusOf, until } from '../support/api.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

/** Keeps the model writing as long as it may, whatever it would say. */
const ENDLESS = {
  type: 'json_schema',
  json_schema: {
    name: 'x',
    schema: { type: 'array', items: { type: 'string', minLength: 1000 }, minItems: 10 },
  },
}
const LONG_PROMPT = 'Write about the queue and every step of it. '.repeat(120)

let server: TestServer
/** Milliseconds of an answer that nobody leaves. */
let wholeMs: number
beforeAll(async () => {
  server = await startTestServer({ config: { chat: { slots: 1 } } })
  const startedMs = performance.now()
  await (await open('Hello')).text
  wholeMs = performance.now() - startedMs
})
afterAll(async () => {
  await server?.stop()
})

interface Open {
  leave(): void
  readonly text: Promise<string>
}

/** @returns once the head is there, or at once with `atOnce` */
async function open(content: string, atOnce = false): Promise<Open> {
  const client = new AbortController()
  const answering = fetch(`${server.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model: CHAT,
      messages: [{ role: 'user', content }],
      stream: true,
      max_tokens: 400,
      response_format: ENDLESS,
    }),
    signal: client.signal,
  })
  const text = answering.then((response) => response.text())
  text.catch(() => {})
  if (!atOnce) await answering
  return { leave: () => client.abort(), text }
}

const chatWorker = async () => (await statusOf(server)).workers.find(({ task }) => task === 'chat')!
const isAt = (running: number, queued: number) => async () => {
  const worker = await chatWorker()
  return worker.running === running && worker.queued === queued
}

/** A small part of what the answer would have taken. */
const freed = async () => expect(await until(isAt(0, 0), 'a free slot')).toBeLessThan(wholeMs / 4)

test('[bounded] a client that leaves in the middle of its answer frees the slot', async () => {
  const { leave } = await open('Hello')
  await until(isAt(1, 0), 'a running answer')
  leave()
  await freed()
})

test('[bounded] a client that leaves while its prompt is read frees the slot', async () => {
  const { leave } = await open(LONG_PROMPT, true)
  await until(isAt(1, 0), 'a running answer')
  leave()
  await freed()
})

test('[bounded] a client that leaves the queue leaves it at once; who has the slot keeps it', async () => {
  const first = await open('Hello')
  const second = await open('Hello again', true)
  await until(isAt(1, 1), 'one that waits')
  second.leave()
  await until(isAt(1, 0), 'an empty queue')
  expect(await first.text).toContain('data: [DONE]')
  const next = await post(server, '/v1/chat/completions', {
    model: CHAT,
    messages: [{ role: 'user', content: 'Hello' }],
    max_tokens: 4,
  })
  expect(next.status).toBe(200)
})
