/** An OpenVINO Model Server that Tandem starts itself (a stand-in of it): planned, serves, is killed and comes back. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { post, statusOf, until } from '../support/api.ts'
import { putOvms, putOvmsModel } from '../support/ovms.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const EMBEDDINGS = '/v1/embeddings'
describe.skipIf(process.platform === 'win32')('an ovms that Tandem started', () => {
  let folder: string
  let server: TestServer
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tandem-ovms-'))
    const model = (name: string, task: string, device: string) => ({
      ...{ name, task, device },
      folder: putOvmsModel(join(folder, name)),
    })
    const models = [
      model('npu-embed', 'embed', 'NPU'),
      model('ranker', 'rerank', 'CPU'),
      model('talker', 'chat', 'GPU'),
    ]
    const config = { ovms: { path: putOvms(folder), models }, calibration: { whenIdle: false } }
    const env = { ...process.env, FAKE_OVMS_DEVICES: 'CPU,GPU,NPU' } as Record<string, string>
    server = await startTestServer({ config, env })
  })
  afterAll(async () => {
    await server?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const worker = async () =>
    (await statusOf(server)).workers.find(({ device }) => device === 'server:ovms-npu-embed')
  /** The stand-in of the worker's group. */
  const program = async (): Promise<number> => {
    const leader = (await worker())?.pid
    const lines = execFileSync('ps', ['-e', '-o', 'pid=,pgid=,args='], { encoding: 'utf8' }).split('\n')
    const line = lines.find(
      (each) => each.includes('fakes/ovms.js') && Number(each.trim().split(/\s+/)[1]) === leader,
    )
    return Number(line?.trim().split(/\s+/)[0])
  }

  test('[no-silent-fallback] embeds by the name of its model, and says where', async () => {
    const response = await post(server, EMBEDDINGS, { model: 'npu-embed', input: ['abcd', 'ab'] })
    expect(response.status).toBe(200)
    expect(response.headers.get('x-tandem-engine')).toBe('openai')
    expect(response.headers.get('x-tandem-device')).toBe('server:ovms-npu-embed')
    const { data } = (await response.json()) as { data: { embedding: number[] }[] }
    expect(data.map(({ embedding }) => embedding.length)).toEqual([3, 3])
  })

  test('ranks and chats', async () => {
    const ranked = await post(server, '/v1/rerank', { model: 'ranker', query: 'b', documents: ['a', 'b'] })
    expect(await ranked.json()).toMatchObject({ results: [{ index: 1 }, { index: 0 }] })
    const messages = [{ role: 'user', content: 'hello' }]
    const chat = await post(server, '/v1/chat/completions', { model: 'talker', messages })
    expect(await chat.json()).toMatchObject({ choices: [{ message: { content: 'Hello from GPU' } }] })
  })

  test('killed, it is back', async () => {
    const first = await program()
    process.kill(first, 'SIGKILL')
    await until(async () => {
      const now = await program()
      return !Number.isNaN(now) && now !== first && (await worker())?.state === 'ready'
    }, 'another ovms')
    expect((await post(server, EMBEDDINGS, { model: 'npu-embed', input: 'again' })).status).toBe(200)
  })
})
