import { expect, test } from 'vitest'
import type { Order } from './contract.ts'
import { llamaServer } from './llama-server.ts'

const NAME = 'mine'

/** A router that is in one state after the other, and stays in the last. */
function router(states: readonly ({ value: string; failed?: boolean } | undefined)[], limitMs = 60_000) {
  const posts: string[] = []
  let at = 0
  const order: Order = {
    endsMs: performance.now() + limitMs,
    get: async (_, schema) => {
      const status = states[Math.min(at++, states.length - 1)]
      return schema.parse({ data: [{ id: NAME, ...(status ? { status } : {}) }] })
    },
    post: async (path, body, schema) => {
      posts.push(`${path} ${JSON.stringify(body)}`)
      return schema.parse({ success: true })
    },
  }
  return { posts, load: () => llamaServer.keeper!.load(order, NAME, undefined) }
}

const LOAD = `/models/load {"model":"${NAME}"}`
const value = (each: string) => ({ value: each })

test.each([
  ['is loaded', [value('loaded')], [], undefined],
  ['sleeps', [value('sleeping')], [], undefined],
  ['is the only one of a server that is no router', [undefined], [], undefined],
  ['somebody else is loading', [value('loading'), value('sleeping')], [], undefined],
  ['is not loaded', [value('unloaded'), value('loading'), value('loaded')], [LOAD], NAME],
  ['failed before', [{ value: 'unloaded', failed: true }, value('loading'), value('loaded')], [LOAD], NAME],
  ['is downloaded meanwhile', ['downloading', 'downloaded', 'unloaded', 'loaded'].map(value), [LOAD], NAME],
  ['is unloaded meanwhile', ['loading', 'unloaded', 'loading', 'loaded'].map(value), [LOAD], NAME],
] as const)('a model that %s', async (_, states, posts, loadedAs) => {
  const { load, posts: sent } = router(states)
  expect(await load()).toBe(loadedAs)
  expect(sent).toEqual(posts)
})

test('one that fails to load, or takes too long, is an error that says so', async () => {
  const failing = router([value('unloaded'), value('loading'), { value: 'unloaded', failed: true }])
  await expect(failing.load()).rejects.toThrow(/failed to load mine/)
  expect(failing.posts).toEqual([LOAD])
  const slow = router([value('downloading')], 300)
  await expect(slow.load()).rejects.toThrow(/has not loaded mine in time: it is still downloading/)
})

test('one that sleeps is listed as loaded, with its window and slots', async () => {
  const meta = { n_ctx: 4096 }
  const data = [{ id: NAME, owned_by: 'llamacpp', meta, status: { value: 'sleeping' } }]
  const props = { role: 'router', total_slots: 2, default_generation_settings: {}, chat_template: '' }
  const get = async (path: string) => (path.startsWith('/props') ? props : { data })
  const seen = await llamaServer.look(get, async () => undefined)
  expect(seen?.models).toMatchObject([{ name: NAME, loaded: true }])
  expect(await llamaServer.sizes!(get, NAME)).toEqual({ contextTokens: 4096, parallel: 2 })
})
