/** A llama-server that somebody else started: its models are placements, it may die and come back. */
import { appendFile, copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Plan } from '../../src/domain/index.ts'
import { CHAT, post, statusOf } from '../support/api.ts'
import { killedAmid, stream } from '../support/interrupted.ts'
import {
  CHAT_GGUF,
  describeLlamaServer,
  startLlamaServer,
  type TestLlamaServer,
} from '../support/llama-server.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const CHATS = '/v1/chat/completions'
const question = {
  messages: [{ role: 'user', content: 'What does the queue do when it is full?' }],
  max_tokens: 40,
}
const mine = { ...question, model: CHAT, temperature: 0 }
const TEXTS = '/v1/completions'
/** Long enough to be killed in the middle of. */
const text = { model: CHAT, prompt: 'The queue', max_tokens: 400, temperature: 0 }

async function json<T>({ url }: TestServer, path: string): Promise<T> {
  return (await (await fetch(`${url}${path}`)).json()) as T
}

describeLlamaServer('adopted llama-servers', () => {
  let [same, other, late] = [] as unknown as [TestLlamaServer, TestLlamaServer, TestLlamaServer]
  let server: TestServer
  let folder: string

  const worker = async (device: string) =>
    (await statusOf(server)).workers.find((each) => each.task === 'chat' && each.device === device)

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tandem-adopted-'))
    const file = join(folder, 'other-chat.gguf')
    await copyFile(CHAT_GGUF, file)
    await appendFile(file, '\0') // another file: it may write another text
    same = await startLlamaServer()
    other = await startLlamaServer(['-m', file, '--alias', 'other-chat'])
    late = await startLlamaServer(['-m', file, '--alias', 'late-chat'])
    await late.kill()
    const servers = [
      { name: 'late', url: late.url },
      { name: 'same', url: same.url },
      { name: 'other', url: `${other.url}/v1`, kind: 'llama-server' },
    ]
    server = await startTestServer({ config: { servers } })
  })

  afterAll(async () => {
    await server?.stop()
    await Promise.all([same?.stop(), other?.stop(), late?.stop()])
    await rm(folder, { recursive: true, force: true })
  })

  test('[no-silent-fallback] the one that has the shipped file open serves it, and says so', async () => {
    const response = await post(server, CHATS, mine)
    expect(response.status).toBe(200)
    expect(response.headers.get('x-tandem-engine')).toBe('openai')
    expect(response.headers.get('x-tandem-device')).toBe('server:same')
    const { tasks } = await json<Plan>(server, '/tandem/v1/plan')
    expect(tasks.chat).toMatchObject([
      { model: CHAT, device: 'server:same', role: 'primary' },
      { model: CHAT, engine: 'llama.cpp', device: 'cpu', role: 'fallback' },
      { model: 'other-chat', device: 'server:other', role: 'primary', onDemand: true },
    ])
  })

  test('another model is listed, costs nothing until a request names it, and answers then', async () => {
    const { data } = await json<{ data: { id: string }[] }>(server, '/v1/models')
    expect(data.map(({ id }) => id)).toEqual(expect.arrayContaining([CHAT, 'other-chat']))
    expect(await worker('server:other')).toMatchObject({ state: 'stopped' })
    const response = await post(server, CHATS, { ...question, model: 'other-chat' })
    expect(response.status).toBe(200)
    expect(response.headers.get('x-tandem-device')).toBe('server:other')
    expect(await worker('server:other')).toMatchObject({ state: 'ready' })
  })

  test('[failure-domains] killed in the middle of a stream: its text goes on as it would have, and it comes back', async () => {
    await expect.poll(async () => (await worker('cpu'))?.state).toBe('ready')
    const whole = await stream(server, TEXTS, text)
    const broken = await killedAmid(server, TEXTS, text, {
      when: (pieces) => pieces === 5,
      victims: () => [same.pid()],
    })
    expect(broken.text).toBe(whole.text)
    expect(broken.continued).toMatchObject([{ from: 'openai on server:same', to: 'llama.cpp on cpu' }])
    await expect.poll(async () => (await worker('server:same'))?.state).toBe('restarting')
    await expect.poll(async () => (await worker('server:same'))?.error).toContain('does not answer')
    const meanwhile = await post(server, CHATS, mine)
    expect(meanwhile.headers.get('x-tandem-fallback')).toContain('server:same')
    await same.restart()
    await expect.poll(async () => (await worker('server:same'))?.state).toBe('ready')
    expect((await post(server, CHATS, mine)).headers.get('x-tandem-device')).toBe('server:same')
  })

  test('one that was away at the start is found when it comes', async () => {
    const named = { ...question, model: 'late-chat' }
    expect((await post(server, CHATS, named)).status).toBe(404)
    await late.restart()
    const status = async () => (await post(server, CHATS, named)).status
    await expect.poll(status, { interval: 1_000 }).toBe(200)
  })
})
