/** A model that is pulled while the server runs: requests that name it are answered at once, and what runs goes on. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { FakeHub } from '../fakes/hub.ts'
import { CHAT, post } from '../support/api.ts'
import { type TandemRun, tandem } from '../support/cli.ts'
import { stream } from '../support/interrupted.ts'
import { writeSecondChat } from '../support/second-chat.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const LONG = { timeout: 120_000 }
const NAME = 'someone/second-chat-GGUF'
const text = { model: CHAT, prompt: 'export function admit(queue: Queue) {', max_tokens: 400, temperature: 0 }

let hub: FakeHub
let server: TestServer
let env: Record<string, string>

beforeEach(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tandem-second-'))
  const weights = await readFile(await writeSecondChat(folder, 'second-chat-Q8_0'))
  await rm(folder, { recursive: true })
  hub = await new FakeHub({
    [NAME]: { files: { 'second-chat-Q8_0.gguf': weights }, license: 'apache-2.0' },
  }).listen()
  env = { ...process.env, TANDEM_HUB_URL: hub.url } as Record<string, string>
  server = await startTestServer({ env, config: { calibration: { whenIdle: false } } })
}, 120_000)
afterEach(async () => {
  await server?.stop()
  await hub?.close()
})

const listed = async () => {
  const { data } = (await (await fetch(`${server.url}/v1/models`)).json()) as { data: { id: string }[] }
  return data.map(({ id }) => id)
}

async function answerOf(model: string) {
  const messages = [{ role: 'user', content: 'What does the queue do when it is full?' }]
  const answer = await post(server, '/v1/chat/completions', { model, messages, max_tokens: 12 })
  expect(answer.status).toBe(200)
  return (await answer.json()) as { model: string; usage: { completion_tokens: number } }
}

test('by the command line, while an answer is written', LONG, async () => {
  const whole = await stream(server, '/v1/completions', text)
  expect(await listed()).not.toContain(NAME)
  let pulled: TandemRun | undefined
  const pulling = tandem(['pull', NAME], { home: server.home, env }).then((run) => {
    pulled = run
    return run
  })
  while (!pulled) {
    const going = await stream(server, '/v1/completions', text)
    expect(going).toMatchObject({ text: whole.text, done: true })
    expect(going.continued).toBeUndefined()
  }
  expect((await pulling).stderr).toContain(`the server at ${server.url} serves it`)
  expect(await listed()).toContain(NAME)
  expect((await answerOf(NAME)).usage.completion_tokens).toBeGreaterThan(0)
  expect((await answerOf(CHAT)).model).toBe(CHAT)
})

test("by Ollama's route", LONG, async () => {
  const answer = await post(server, '/api/pull', { model: NAME, stream: false })
  expect(await answer.json()).toMatchObject({ status: 'success', tandem: { id: NAME } })
  expect(await listed()).toContain(NAME)
  expect((await answerOf(NAME)).usage.completion_tokens).toBeGreaterThan(0)
})

test('by a look that is asked for: what was removed is served no more', LONG, async () => {
  const refresh = async () => (await post(server, '/tandem/v1/models/refresh', {})).json()
  await tandem(['pull', NAME], { home: server.home, env })
  expect(await refresh()).toMatchObject({ added: [], removed: [], models: expect.arrayContaining([NAME]) })
  await rm(join(server.home, 'models'), { recursive: true })
  expect(await refresh()).toMatchObject({ added: [], removed: [NAME] })
  expect(await listed()).not.toContain(NAME)
  expect((await answerOf(CHAT)).model).toBe(CHAT)
})
