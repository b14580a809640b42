/** How a server at work ends: by Ctrl-C, by a second one, by kill -9. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { isRunning, workersOf } from '../processes.ts'
import { statusOf, until } from '../support/api.ts'
import { type ChatStream, openChat } from '../support/chat-stream.ts'
import { MadeUpTree } from '../support/made-up-tree.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

/** 2 s are promised. Ten times that tells an end in time from one that waits for an answer or for what hangs. */
const GONE_WITHIN_MS = 20_000
const TRIES = 5

let tree: MadeUpTree
let server: TestServer
let chat: ChatStream
let pids: number[]

beforeAll(async () => {
  tree = await MadeUpTree.make(600, 8) // more than is indexed before it is looked at
})
afterAll(() => tree?.remove())

// Signals of this kind are Unix's; on Windows a console event takes their place, which a test cannot send.
describe.skipIf(process.platform === 'win32')('a server that indexes and streams an answer', () => {
  async function begin(): Promise<void> {
    server = await startTestServer({ projects: [tree.root] })
    chat = await openChat(server, 1500)
    await until(() => chat.pieces() > 5, 'some of the answer')
    const status = await statusOf(server)
    expect(status.projects[0]!.state).toBe('indexing')
    pids = status.workers.map(({ pid }) => pid!)
    expect(pids).toHaveLength(2)
    expect(pids.every(isRunning)).toBe(true)
  }
  async function end(): Promise<void> {
    server.signal('SIGKILL')
    await server.stop()
  }
  beforeEach(begin)
  afterEach(end)

  const alive = () =>
    [server.pid, ...pids, ...(process.platform === 'linux' ? workersOf(server.pid) : [])].filter(isRunning)

  test('Ctrl-C: server and workers are gone in time, the stream says why it ended', async () => {
    server.signal('SIGINT')
    const tookMs = await until(() => alive().length === 0, 'the end')
    expect(tookMs).toBeLessThan(GONE_WITHIN_MS)
    expect(await server.exited).toBe(0)
    expect(existsSync(join(server.home, 'server.json'))).toBe(false)
    const end = await chat.ended
    expect(end).toMatchObject({ done: false, broken: false, error: { code: 'shutting_down' } })
  })

  test('a second Ctrl-C while a stop hangs kills', async () => {
    let code: number | null = 0
    for (let tries = 0; code === 0 && tries < TRIES; tries += 1) {
      if (tries > 0) {
        await end() // the second came too late: its stop was over by itself
        await begin()
      }
      for (const pid of pids) process.kill(pid, 'SIGSTOP') // no worker answers to its stop
      server.signal('SIGINT')
      await sleep(400) // sooner it would count as the same key press
      server.signal('SIGINT')
      code = await server.exited
    }
    expect(code).toBe(130)
    await until(() => alive().length === 0, 'the workers go', GONE_WITHIN_MS)
  })

  test('one Ctrl-C also ends workers that hang', async () => {
    for (const pid of pids) process.kill(pid, 'SIGSTOP')
    server.signal('SIGINT')
    const tookMs = await until(() => alive().length === 0, 'the end')
    expect(tookMs).toBeLessThan(GONE_WITHIN_MS)
    expect(await server.exited).toBe(0)
    expect(existsSync(join(server.home, 'server.json'))).toBe(false)
  })

  test('[failure-domains] kill -9 leaves no worker behind, and the home can be served from again', async () => {
    server.signal('SIGKILL')
    await server.exited
    await until(() => alive().length === 0, 'the workers go', GONE_WITHIN_MS)
    expect((await chat.ended).broken).toBe(true)
    expect(existsSync(join(server.home, 'server.json'))).toBe(true) // nobody could remove it
    const next = await startTestServer({ home: server.home })
    expect(await next.stop()).toBe(0)
  })
})
