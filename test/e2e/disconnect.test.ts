/** Clients that leave, wherever their chat stands: what they held is free for the next one. The real chat worker, one slot. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CHAT, pidOf, post, statusOf, until } from '../support/api.ts'
import { whileFrozen } from '../support/at-work.ts'
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
  ended(): boolean
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
  let ended = false
  const text = answering.then((response) => response.text())
  text
    .catch(() => {})
    .finally(() => {
      ended = true
    })
  if (!atOnce) await answering
  return { leave: () => client.abort(), ended: () => ended, text }
}

const chatWorker = async () => (await statusOf(server)).workers.find(({ task }) => task === 'chat')!
const isAt = (running: number, queued: number) => async () => {
  const worker = await chatWorker()
  return worker.running === running && worker.queued === queued
}

const TRIES = 5

/** Leaves while it runs: the slot is free in a small part of the time that the answer takes. A machine may stand still meanwhile, not each time. */
async function expectFreed(begin: () => Promise<Open>): Promise<void> {
  let bestMs = Number.POSITIVE_INFINITY
  for (let tries = 0; tries < TRIES && bestMs > wholeMs / 4; tries += 1) {
    const { leave, ended } = await begin()
    await until(async () => ended() || (await isAt(1, 0)()), 'a running answer')
    if (ended()) continue
    leave()
    bestMs = Math.min(bestMs, await until(isAt(0, 0), 'a free slot'))
  }
  expect(bestMs).toBeLessThan(wholeMs / 4)
}

test('[bounded] a client that leaves in the middle of its answer frees the slot', async () => {
  await expectFreed(() => open('Hello'))
})

test('[bounded] a client that leaves while its prompt is read frees the slot', async () => {
  await expectFreed(() => open(LONG_PROMPT, true))
})

test('[bounded] a client that leaves the queue leaves it at once; who has the slot keeps it', async () => {
  const first = await whileFrozen(await pidOf(server, 'chat'), async () => {
    const asked = await open('Hello', true)
    await until(isAt(1, 0), 'a running answer')
    const second = await open('Hello again', true)
    await until(isAt(1, 1), 'one that waits')
    second.leave()
    await until(isAt(1, 0), 'an empty queue')
    return asked
  })
  expect(await first.text).toContain('data: [DONE]')
  const next = await post(server, '/v1/chat/completions', {
    model: CHAT,
    messages: [{ role: 'user', content: 'Hello' }],
    max_tokens: 4,
  })
  expect(next.status).toBe(200)
})
