/** Two LM Studios side by side, by stand-ins made from its documented interface. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FakeLmStudio, startFakeLmStudio } from '../fakes/lm-studio.ts'
import { indexed, post, search, statusOf } from '../support/api.ts'
import { tandem } from '../support/cli.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const CHATS = '/v1/chat/completions'
const CODER = 'qwen2.5-coder-14b-instruct'
const NOMIC = 'text-embedding-nomic-embed-text-v1.5'
const question = { messages: [{ role: 'user', content: 'What does the queue do when it is full?' }] }

let [first, second] = [] as unknown as [FakeLmStudio, FakeLmStudio]
let server: TestServer
let project: string

beforeAll(async () => {
  first = await startFakeLmStudio({ loaded: [CODER], loadsByItself: true })
  second = await startFakeLmStudio()
  project = await mkdtemp(join(tmpdir(), 'tandem-studio-project-'))
  await writeFile(join(project, 'queue.md'), '# Queue\n\nA full queue refuses what comes.\n')
  server = await startTestServer({
    projects: [project],
    config: {
      models: { embed: NOMIC },
      servers: [
        { name: 'studio', url: first.url },
        { name: 'studio-2', url: second.url, manage: true },
        { name: 'vectors', url: first.url, tasks: ['embed'] }, // one address may have two names
      ],
    },
  })
})
afterAll(async () => {
  await server?.stop()
  await Promise.all([first?.stop(), second?.stop()])
  await rm(project, { recursive: true, force: true })
})

const run = async (...args: string[]) => {
  const { stdout, stderr, code } = await tandem(args, { home: server.home })
  expect(code, stderr + stdout).toBe(0)
  return stdout
}
const askedBy = async (model: string) => {
  const response = await post(server, CHATS, { ...question, model })
  expect(response.status).toBe(200)
  return response.headers.get('x-tandem-device')
}

test('each is a worker of its own; only the one that may be managed is told to load', async () => {
  expect(await askedBy(CODER)).toBe('server:studio')
  expect(second.orders).toEqual([])
  expect(await askedBy(`studio-2/${CODER}`)).toBe('server:studio-2')
  expect(second.orders[0]).toBe(`POST /api/v1/models/load ${CODER}`)
  expect(first.orders.some((order) => order.includes('/api/v1/models/'))).toBe(false)
  const { workers } = await statusOf(server)
  const chats = workers.filter(({ task, device }) => task === 'chat' && device.startsWith('server:'))
  expect(chats.filter(({ state }) => state === 'ready').map(({ device }) => device)).toEqual([
    'server:studio',
    'server:studio-2',
  ])
})

test('a model that is named for the index is asked for the length of its vectors, and an index is kept with it', async () => {
  await indexed(server)
  expect((await search(server, 'full queue'))[0]).toMatchObject({ path: 'queue.md' })
  const { data } = (await (await fetch(`${server.url}/v1/models`)).json()) as {
    data: { id: string; tandem: { dimensions?: number } }[]
  }
  expect(data.find(({ id }) => id === NOMIC)?.tandem.dimensions).toBe(4)
})

test('the command line shows what each has, and what of it is loaded', async () => {
  await expect
    .poll(() => run('models'), { interval: 1_000 })
    .toMatch(new RegExp(`studio-2/${CODER} .*studio-2 \\(loaded\\)`))
  const models = await run('models')
  expect(models).toMatch(new RegExp(`^${CODER} .*studio \\(loaded\\)`, 'm'))
  expect(models).toMatch(/^gemma-3-270m-it-qat .*studio \(not loaded\)/m)
  expect(models).toMatch(new RegExp(`^vectors/${NOMIC} .*vectors \\(loaded\\)`, 'm'))
  expect(await askedBy(CODER)).toBe('server:studio')
  expect(await run('status')).toMatch(/gemma-3-270m-it-qat .*server:studio .*not loaded/)
  const doctor = await run('doctor')
  expect(doctor).toMatch(new RegExp(`server studio +lmstudio at ${first.url}: ${CODER} \\(chat, loaded\\)`))
  expect(doctor).toMatch(/server studio-2 .*Tandem may load and unload them/)
})

test('when Tandem ends it unloads what it loaded, and nothing else', async () => {
  expect(second.inMemory()).toContain(CODER)
  await server.stop()
  expect(second.inMemory()).toEqual([])
  expect(first.inMemory()).toContain(CODER)
})

test('the doctor says of a server that is away what to do', async () => {
  const home = await mkdtemp(join(tmpdir(), 'tandem-away-'))
  const servers = [{ name: 'away', url: 'http://127.0.0.1:9' }]
  await writeFile(join(home, 'tandem.yaml'), JSON.stringify({ servers }))
  const { stdout, code } = await tandem(['doctor'], { home })
  expect(code).toBe(0)
  expect(stdout).toMatch(/away at http:\/\/127\.0\.0\.1:9 does not answer/)
  expect(stdout).toMatch(/start it, or correct `servers`/)
  await rm(home, { recursive: true, force: true })
})
