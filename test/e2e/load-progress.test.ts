/** A person who waits for a model sees how far its load is, whichever engine loads it. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ServerEvent } from '../../src/telemetry/index.ts'
import { CHAT, statusOf, until } from '../support/api.ts'
import { stream } from '../support/interrupted.ts'
import { startLlamaRouter, type TestLlamaRouter } from '../support/llama-router.ts'
import { describeLlamaServer } from '../support/llama-server.ts'
import { foundForTests } from '../support/needs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const LONG = { timeout: 120_000 }
const env = { ...process.env, TANDEM_LLAMA_SERVER_ENABLED: 'true' } as Record<string, string>

type Loading = Omit<Extract<ServerEvent, { type: 'loading' }>, 'type'>

/** What a server tells of loads from now on. */
async function followLoads({ url }: { url: string }) {
  const stopped = new AbortController()
  const { body } = await fetch(`${url}/tandem/v1/events`, { signal: stopped.signal })
  const loads: Loading[] = []
  const read = async () => {
    let text = ''
    for await (const chunk of body!.pipeThrough(new TextDecoderStream())) {
      const events = (text + chunk).split('\n\n')
      text = events.pop() ?? ''
      for (const [, data] of events.map((event) => /^event: loading\ndata: (.*)$/.exec(event) ?? []))
        if (data) loads.push(JSON.parse(data))
    }
  }
  read().catch(() => {}) // it ends with the test
  return { loads, stop: () => stopped.abort() }
}

describeLlamaServer('the load of a chat model', () => {
  let router: TestLlamaRouter
  let server: TestServer

  beforeAll(async () => {
    router = await startLlamaRouter()
    const config = {
      llamaServer: { path: foundForTests('LLAMA_SERVER'), args: ['-t', '1'] },
      calibration: { whenIdle: false },
      placement: { chat: 'openai@cpu' },
      servers: [{ name: 'router', url: router.url }],
    }
    server = await startTestServer({ config, env })
  }, 120_000)
  afterAll(async () => {
    await server?.stop()
    await router?.stop()
  })

  test.each([['openai'], ['llama.cpp']])('by %s on the CPU tells its progress', LONG, async (engine) => {
    const own = async () =>
      (await statusOf(server)).workers.find(
        (each) => each.model === CHAT && each.engine === engine && each.device === 'cpu',
      )
    await until(async () => (await own())?.state === 'ready', `${engine} is ready`, 60_000)
    const { id, pid } = (await own())!
    const { loads, stop } = await followLoads(server)
    process.kill(pid!, 'SIGKILL')
    await until(async () => (await own())?.loading !== undefined, 'its next life loads')
    await until(() => loads.some((each) => each.id === id && each.phase === 'loaded'), 'its end', 60_000)
    stop()
    const shares = loads.flatMap((each) => (each.id === id ? (each.progress ?? []) : []))
    expect(shares.at(-1)).toBe(1)
    expect(shares).toEqual(shares.toSorted((a, b) => a - b))
    expect((await own())?.loading).toBeUndefined()
  })

  test('by a router that loads it for the first request tells its progress', LONG, async () => {
    const { loads, stop } = await followLoads(server)
    const { text } = await stream(server, '/v1/completions', {
      model: router.model,
      prompt: 'The queue',
      max_tokens: 8,
    })
    expect(text.length).toBeGreaterThan(0)
    const shares = () =>
      loads.flatMap((each) => (each.device === 'server:router' ? (each.progress ?? []) : []))
    await until(() => shares().includes(1), 'the whole of it')
    stop()
  })
})
