/** SIGKILL of one worker while the other and the clients are at work. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Task } from '../../src/domain/index.ts'
import { isRunning } from '../processes.ts'
import { embed, statusOf, until } from '../support/api.ts'
import { openChat } from '../support/chat-stream.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const CLIENTS = 4

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server?.stop())

async function workerOf(task: Task) {
  return (await statusOf(server)).workers.find((worker) => worker.task === task)!
}

async function kill(task: Task): Promise<number> {
  const { pid } = await workerOf(task)
  process.kill(pid!, 'SIGKILL')
  return pid!
}

async function isBack(task: Task, killed: number): Promise<boolean> {
  const { pid, state } = await workerOf(task)
  return pid !== undefined && pid !== killed && (state === 'ready' || state === 'busy')
}

/** Clients that ask for embeddings one after the other until told to stop. */
function keepEmbedding() {
  const failures: string[] = []
  let answered = 0
  let stopped = false
  const clients = Array.from({ length: CLIENTS }, async (_, client) => {
    for (let count = 0; !stopped; count += 1) {
      const input = [`text ${count} of client ${client}`, `another one of ${client}, number ${count}`]
      try {
        const response = await embed(server, input)
        const body = (await response.json()) as { data?: unknown[] }
        if (response.status === 200 && body.data?.length === input.length) answered += 1
        else failures.push(`${response.status} ${JSON.stringify(body)}`)
      } catch (thrown) {
        failures.push(String(thrown))
      }
    }
  })
  return {
    failures,
    answered: () => answered,
    async stop() {
      stopped = true
      await Promise.all(clients)
    },
  }
}

test('[failure-domains] the chat worker dies: no embedding fails, the stream goes on to its end', async () => {
  const embedding = keepEmbedding()
  const chat = await openChat(server, 600)
  await until(() => chat.pieces() > 5 && embedding.answered() > 5, 'both at work')
  const killed = await kill('chat')
  const before = embedding.answered()
  expect(await chat.ended).toEqual({ done: true, broken: false, finishReason: 'length', error: undefined })
  await until(() => isBack('chat', killed), 'the chat worker')
  await until(() => embedding.answered() > before + 5, 'more embeddings')
  await embedding.stop()
  expect(embedding.failures).toEqual([])
  expect((await (await openChat(server, 5)).ended).finishReason).toBe('length')
})

test('[failure-domains] the embedding worker dies with requests in flight: no client sees it, and no stream', async () => {
  const embedding = keepEmbedding()
  for (let kills = 0; kills < 2; kills += 1) {
    const chat = await openChat(server, 600)
    await until(() => chat.pieces() > 5 && embedding.answered() > 5, 'both at work')
    await until(async () => (await workerOf('embed')).running > 0, 'requests in flight')
    const killed = await kill('embed')
    const [pieces, before] = [chat.pieces(), embedding.answered()]
    await until(() => !isRunning(killed), 'its death')
    await until(() => isBack('embed', killed), 'the embedding worker')
    await until(() => embedding.answered() > before + CLIENTS, 'more embeddings')
    expect(chat.pieces()).toBeGreaterThan(pieces)
    expect(await chat.ended).toEqual({ done: true, broken: false, finishReason: 'length', error: undefined })
  }
  await embedding.stop()
  expect(embedding.failures).toEqual([])
})
