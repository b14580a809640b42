/** Engines of other machines: what their way costs is measured and told, and only what their user allowed is sent there. */
import { readFileSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { z } from 'zod'
import type { Plan } from '../../src/domain/index.ts'
import { FAKE_SERVERS, type FakeModelServer, saying, startFakeModelServer } from '../fakes/model-servers.ts'
import { CHAT, post } from '../support/api.ts'
import { freePort } from '../support/llama-server.ts'
import { ownAddress } from '../support/own-address.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const messages = [{ role: 'user', content: 'What does the queue do when it is full?' }]
const example = (path: string) => readFileSync(new URL(`../../examples/${path}`, import.meta.url), 'utf8')
const KEYS = { TANDEM_KEY: 'what-clients-send', OVMS_KEY: 'what-ovms-wants', VLLM_KEY: 'what-vllm-wants' }
const withKey = { authorization: `Bearer ${KEYS.TANDEM_KEY}` }
const QWEN = 'Qwen/Qwen2.5-Coder-7B-Instruct'
const BGE = 'OpenVINO/bge-base-en-v1.5-int8-ov'

/** OpenAI's reference, "Create embeddings"; OVMS' docs/model_server_rest_api_embeddings.md. */
const vectors = ({ input }: { input: string | string[] }) => ({
  object: 'list',
  data: [input].flat().map((_, index) => ({ object: 'embedding', index, embedding: [0.6, 0.8, 0] })),
  usage: { prompt_tokens: 3, total_tokens: 3 },
})
const ovms = { ...FAKE_SERVERS.ovms, 'POST /v3/embeddings': vectors }
const vllm = {
  ...FAKE_SERVERS.vllm,
  '/v1/models': {
    object: 'list',
    data: [{ id: QWEN, object: 'model', owned_by: 'vllm', max_model_len: 16_384 }],
  },
  'POST /v1/chat/completions': () => saying('from the GPU'),
}

async function planOf(server: TestServer, headers: Record<string, string> = {}): Promise<Plan> {
  return (await (await fetch(`${server.url}/tandem/v1/plan`, { headers })).json()) as Plan
}

describe.each(['compose/tandem.yaml', 'kubernetes/tandem.yaml'])('the example %s', (path) => {
  const [first, ...others] = parseAllDocuments(example(path)).map((document) => document.toJS() as unknown)
  const text =
    others.length === 0
      ? example(path)
      : z.object({ data: z.object({ 'tandem.yaml': z.string() }) }).parse(first).data['tandem.yaml']
  const engines: FakeModelServer[] = []
  const folder = join(tmpdir(), `tandem-beyond-${process.pid}-${path.replace('/', '-')}`)
  let server: TestServer
  afterAll(async () => {
    await server?.stop()
    await rm(folder, { recursive: true, force: true })
    await Promise.all(engines.map((each) => each.stop()))
  })

  test('waits for engines that come later, and asks each for its task with its key', async () => {
    const host = ownAddress ?? '127.0.0.1'
    const [ovmsPort, vllmPort] = [await freePort(), await freePort()]
    const config = parse(
      text
        .replace(/http:\/\/(ovms|embeddings):8000/, `http://${host}:${ovmsPort}`)
        .replace(/http:\/\/(vllm|chat):8000/, `http://${host}:${vllmPort}`)
        .replace('host: 0.0.0.0', 'host: 127.0.0.1'),
    ) as Record<string, unknown>
    server = await startTestServer({ config, early: true, env: { PATH: process.env['PATH'] ?? '', ...KEYS } })
    expect((await fetch(`${server.url}/health`)).status).toBe(503)
    engines.push(
      await startFakeModelServer(ovms, {
        host,
        port: ovmsPort,
        guarded: { key: KEYS.OVMS_KEY, below: '/v3' },
      }),
      await startFakeModelServer(vllm, {
        host,
        port: vllmPort,
        guarded: { key: KEYS.VLLM_KEY, below: '/v1' },
      }),
    )
    await expect
      .poll(async () =>
        Object.entries((await planOf(server, withKey)).tasks).map(([task, [each]]) => [task, each?.model]),
      )
      .toEqual([
        ['chat', QWEN],
        ['embed', BGE],
      ])
    await expect.poll(async () => (await fetch(`${server.url}/health`)).status).toBe(200)
    const chat = await post(server, '/v1/chat/completions', { messages, model: QWEN }, withKey)
    expect(chat.headers.get('x-tandem-device')).toBe('server:vllm')
    expect(JSON.stringify(await chat.json())).toContain('from the GPU')
    const embedded = await post(server, '/v1/embeddings', { input: 'a', model: BGE }, withKey)
    expect(embedded.headers.get('x-tandem-device')).toBe('server:ovms')
    if (ownAddress)
      await expect
        .poll(async () => (await planOf(server, withKey)).tasks.embed?.[0]?.reasons.join())
        .toContain('measured: the way there and back takes')
    await mkdir(folder)
    await writeFile(join(folder, 'queue.ts'), 'export const bound = 256 // requests that wait at most\n')
    expect((await post(server, '/tandem/v1/projects', { path: folder }, withKey)).status).toBe(202)
    await expect
      .poll(async () => {
        const answer = await fetch(`${server.url}/tandem/v1/status`, { headers: withKey })
        return ((await answer.json()) as { projects: unknown[] }).projects
      })
      .toMatchObject([{ state: 'ready', files: 1, embedded: 1 }])
    const [first, second] = engines
    expect(first!.asked.map(({ path: asked }) => asked)).not.toContain('/v3/chat/completions')
    expect(second!.asked.map(({ path: asked }) => asked)).not.toContain('/v1/embeddings')
  })
})

describe.runIf(ownAddress)('a server on another address', () => {
  const DELAY_MS = 120
  let far: FakeModelServer
  let server: TestServer

  beforeAll(async () => {
    const routes = {
      ...FAKE_SERVERS.openai,
      'POST /v1/chat/completions': () => saying('from far away'),
      'POST /v1/embeddings': vectors,
    }
    far = await startFakeModelServer(routes, { host: ownAddress!, delayMs: DELAY_MS })
    server = await startTestServer({
      config: { servers: [{ name: 'far', url: far.url, tasks: ['embed'] }] },
    })
  })
  afterAll(async () => {
    await server?.stop()
    await far?.stop()
  })

  test('[measured-placement] the plan tells what its way takes, measured', async () => {
    const { tasks } = await planOf(server)
    const there = tasks.embed?.find(({ device }) => device === 'server:far')
    const [, ms] =
      /^measured: the way there and back takes ([\d.]+) ms$/m.exec(there?.reasons.join('\n') ?? '') ?? []
    expect(Number(ms)).toBeGreaterThanOrEqual(DELAY_MS)
    expect(Number(ms)).toBeLessThan(100 * DELAY_MS) // milliseconds, whatever stood still meanwhile
  })

  test('[private] a task that was not allowed never goes there: not by name, not as a fallback', async () => {
    const named = await post(server, '/v1/chat/completions', { messages, model: 'gpt-4o-mini' })
    expect(named.status).toBe(404)
    for (const model of ['far/gpt-4o-mini', 'server:far']) {
      const other = await post(server, '/v1/chat/completions', { messages, model })
      expect(other.status).toBe(404)
    }
    const { tasks, rejected } = await planOf(server)
    expect(tasks.chat?.map(({ device }) => device)).not.toContain('server:far')
    expect(rejected).toContainEqual({
      task: 'chat',
      model: 'gpt-4o-mini',
      engine: 'openai',
      device: 'server:far',
      reason: '`tasks` of far in `servers` does not name chat (embed may): nothing of it leaves this machine',
    })
    const own = await post(server, '/v1/chat/completions', { messages, model: CHAT, max_tokens: 4 })
    expect(own.headers.get('x-tandem-device')).toBe('cpu')
    expect(far.asked).toEqual([])
  })

  test('one that was allowed goes there when a request names its model', async () => {
    const answer = await post(server, '/v1/embeddings', { model: 'text-embedding-3-small', input: 'a' })
    expect(answer.status).toBe(200)
    expect(answer.headers.get('x-tandem-device')).toBe('server:far')
    expect(far.asked.map(({ path }) => path)).toContain('/v1/embeddings')
  })
})
