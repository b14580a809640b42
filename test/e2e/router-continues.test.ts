/** A router of llama-server starts a process for each model; one that dies in the middle of an answer takes no text with it. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Plan } from '../../src/domain/index.ts'
import { childrenOf } from '../processes.ts'
import { CHAT, post, statusOf, until } from '../support/api.ts'
import { killedAmid, stream } from '../support/interrupted.ts'
import { startLlamaRouter, type TestLlamaRouter } from '../support/llama-router.ts'
import { describeLlamaServer } from '../support/llama-server.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const TEXTS = '/v1/completions'
/**
 * Its answer is long enough to be killed in the middle of, and each of its tokens is 1.5 times as likely as the next best: where
 * two are all but equally likely, a build of llama.cpp and a prompt read anew may write the other.
 */
const text = {
  prompt: `  readonly version: string
  /** Columns of the help. */
  readonly width?: number
  readonly writeOut: (text: string) => void
  readonly writeErr: (text: string) => void
  readonly onCommand:`,
  max_tokens: 200,
}

describeLlamaServer('the router of a real llama-server', () => {
  let router: TestLlamaRouter
  let server: TestServer

  beforeAll(async () => {
    router = await startLlamaRouter()
    await post(router, '/models/load', { model: router.model })
    const props = `${router.url}/props?model=${router.model}&autoload=false`
    await until(async () => (await fetch(props)).status === 200, 'the router has loaded its model')
    server = await startTestServer({ config: { servers: [{ name: 'router', url: router.url }] } })
  })
  afterAll(async () => {
    await server?.stop()
    await router?.stop()
  })

  test('its model is the shipped one where it is of the same file, and has its own name too', async () => {
    const { tasks } = (await (await fetch(`${server.url}/tandem/v1/plan`)).json()) as Plan
    expect(tasks.chat).toMatchObject([
      { model: CHAT, device: 'server:router', role: 'primary' },
      { model: CHAT, engine: 'llama.cpp', device: 'cpu', role: 'fallback' },
      { model: router.model, device: 'server:router', role: 'primary', onDemand: true },
      { model: router.model, engine: 'llama.cpp', device: 'cpu', role: 'fallback', onDemand: true },
    ])
    const { workers } = await statusOf(server)
    expect(workers.filter(({ model }) => model === router.model).map(({ state }) => state)).toEqual([
      'stopped',
      'stopped',
    ])
  })

  test.each([['the shipped model'], ['its own name']])(
    '[failure-domains] by %s: its process is killed in the middle of a stream, and the text goes on',
    async (by) => {
      const model = by === 'its own name' ? router.model : CHAT
      const whole = await stream(server, TEXTS, { ...text, model })
      expect(whole.continued).toBeUndefined()
      expect(whole.completionTokens).toBeGreaterThan(20)
      const broken = await killedAmid(
        server,
        TEXTS,
        { ...text, model },
        {
          when: (pieces) => pieces === 3,
          victims: () => childrenOf(router.pid),
        },
      )
      expect(broken.text).toBe(whole.text)
      expect(broken.continued).toMatchObject([{ from: 'openai on server:router' }])
    },
  )

  test('killed itself, by its own name: the text goes on by the llama.cpp here, which was not loaded', async () => {
    const model = router.model
    const whole = await stream(server, TEXTS, { ...text, model })
    const broken = await killedAmid(
      server,
      TEXTS,
      { ...text, model },
      {
        when: (pieces) => pieces === 3,
        victims: () => [router.pid, ...childrenOf(router.pid)],
      },
    )
    expect(broken.text).toBe(whole.text)
    expect(broken).toMatchObject({ done: true, error: undefined })
    expect(broken.continued?.at(-1)).toMatchObject({ to: 'llama.cpp on cpu' })
  })
})
