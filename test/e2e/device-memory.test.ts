/** A program takes most of the memory of a GPU: of a simulated one; the server, its workers and their loads are real. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import type { Device, Plan, PlanChange } from '../../src/domain/index.ts'
import { listen, post, statusOf, until } from '../support/api.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const MACHINE = 'core-ultra-265k-b580'
let server: TestServer
afterEach(() => server.stop())

const get = async <T>(path: string) => (await (await fetch(`${server.url}/tandem/v1/${path}`)).json()) as T
const firstChat = async () => (await get<Plan>('plan')).tasks.chat![0]!
const ask = (more: object = {}) =>
  post(server, '/v1/chat/completions', {
    model: 'qwen2.5-coder-14b',
    messages: [{ role: 'user', content: 'where is the queue bounded, and by what?' }],
    ...more,
  })
const chatOn = async (device: string) =>
  (await statusOf(server)).workers.find((worker) => worker.task === 'chat' && worker.device === device)
const take = (gib: number) =>
  writeFileSync(
    join(server.home, 'simulated', MACHINE, 'programs.json'),
    JSON.stringify(gib > 0 ? { gpu0: gib } : {}),
  )

test('the answer that is written is finished there, the chat goes to the next placement, and plan, event and log say why', async () => {
  server = await startTestServer({
    args: ['--simulate', MACHINE],
    config: { simulate: { faults: { gpu0: 'slow:3' } } },
  })
  expect((await firstChat()).device).toBe('gpu0')
  await until(async () => (await chatOn('gpu0'))?.state === 'ready', 'the load')
  const ended = new AbortController()
  const { heard, reading } = await listen<PlanChange>(server, 'plan', ended.signal)
  const stream = await ask({ stream: true, max_tokens: 80 })
  expect(stream.headers.get('x-tandem-device')).toBe('gpu0')

  take(9)
  await until(async () => (await firstChat()).device !== 'gpu0', 'another plan')
  const text = await stream.text()
  expect(text).toContain('data: [DONE]')
  expect(text).not.toContain('"error"')
  const next = (await firstChat()).device
  await until(async () => (await ask({ max_tokens: 4 })).headers.get('x-tandem-device') === next, 'the move')
  await until(() => heard.length > 0, 'the event')
  expect(heard[0]!.cause).toBe("other programs have 9.0 GiB of gpu0's 12.0 GiB")
  const { rejected } = await get<Plan>('plan')
  expect(rejected.filter(({ task, device }) => task === 'chat' && device === 'gpu0')).toContainEqual(
    expect.objectContaining({
      reason: expect.stringMatching(/^does not fit: .*; other programs have 9\.0 GiB$/),
    }),
  )
  const { devices } = await get<{ devices: Device[] }>('devices')
  expect(devices.find(({ id }) => id === 'gpu0')).toMatchObject({
    simulated: true,
    othersBytes: 9 * 1024 ** 3,
    freeBytes: 3 * 1024 ** 3,
  })
  ended.abort()
  await reading
})

test('one that nobody asks is unloaded, and opened with less when it is asked for; a file that says nonsense is told once', async () => {
  server = await startTestServer({ args: ['--simulate', MACHINE], config: { log: { level: 'info' } } })
  const { load } = await firstChat()
  await until(async () => (await chatOn('gpu0'))?.state === 'ready', 'the load')
  take(1.2)
  await until(async () => (await firstChat()).load?.contextTokens !== load?.contextTokens, 'a smaller load')
  expect(load).toMatchObject({ kvType: 'q8_0', contextTokens: 16_384 })
  expect((await firstChat()).device).toBe('gpu0')
  await until(async () => (await chatOn('gpu0'))?.state === 'stopped', 'the unloading')
  expect((await chatOn('gpu0'))?.error).toMatch(/unloaded/)
  await until(
    async () => (await ask({ max_tokens: 4 })).headers.get('x-tandem-device') === 'gpu0',
    'the load, while another answers',
  )
  expect(server.log()).toContain('unloaded until needed')
  writeFileSync(join(server.home, 'simulated', MACHINE, 'programs.json'), '{"npu0": 1}')
  await until(() => server.log().includes('has no memory of its own'), 'the warning')
})
