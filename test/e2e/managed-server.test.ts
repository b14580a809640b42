/** A llama-server that Tandem starts itself: it serves, is killed and comes back, does not start, is measured. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Device, Measurement, Plan } from '../../src/domain/index.ts'
import { CHAT, post, statusOf, until } from '../support/api.ts'
import { tandemJson } from '../support/cli.ts'
import { killedAmid, stream } from '../support/interrupted.ts'
import { describeLlamaServer } from '../support/llama-server.ts'
import { foundForTests } from '../support/needs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const CHATS = '/v1/chat/completions'
const TEXTS = '/v1/completions'
const question = {
  model: CHAT,
  messages: [{ role: 'user', content: 'What does the queue do when it is full?' }],
  max_tokens: 40,
  temperature: 0,
}
/** Long enough that the server is still at it when it is killed. */
const text = { model: CHAT, prompt: 'The queue', max_tokens: 400, temperature: 0 }
const env = { ...process.env, TANDEM_LLAMA_SERVER_ENABLED: 'true' } as Record<string, string>
const llamaServer = { path: foundForTests('LLAMA_SERVER'), args: ['-t', '1'] }
const calibration = { whenIdle: false }
const config = { llamaServer, calibration, placement: { chat: 'openai@cpu' } }

async function worker(server: TestServer, engine: string) {
  return (await statusOf(server)).workers.find((each) => each.task === 'chat' && each.engine === engine)
}

/** The llama-servers of a server, by the group that its worker leads. */
async function serversOf(server: TestServer): Promise<number[]> {
  const leader = (await worker(server, 'openai'))?.pid
  const lines = execFileSync('ps', ['-e', '-o', 'pid=,pgid=,stat='], { encoding: 'utf8' }).split('\n')
  return lines.flatMap((line) => {
    const [pid, group, state = ''] = line.trim().split(/\s+/)
    return Number(group) === leader && Number(pid) !== leader && !state.startsWith('Z') ? [Number(pid)] : []
  })
}

describeLlamaServer('a llama-server that Tandem started', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer({ config, env })
  })
  afterAll(() => server?.stop())

  test('[no-silent-fallback] is listed, planned with its reasons, and serves', async () => {
    const listed = (await (await fetch(`${server.url}/tandem/v1/devices`)).json()) as { devices: Device[] }
    expect(listed.devices.find(({ id }) => id === 'cpu')?.engines.openai).toBe('cpu')
    const { tasks } = (await (await fetch(`${server.url}/tandem/v1/plan`)).json()) as Plan
    expect(tasks.chat).toMatchObject([
      { engine: 'openai', device: 'cpu', role: 'primary' },
      { engine: 'llama.cpp', device: 'cpu', role: 'fallback' },
    ])
    expect(tasks.chat?.[0]?.reasons.join('; ')).toContain("llama-server reads the model's gguf files")
    const response = await post(server, CHATS, question)
    expect(response.status).toBe(200)
    expect(response.headers.get('x-tandem-engine')).toBe('openai')
    expect(response.headers.get('x-tandem-device')).toBe('cpu')
    const logs = join(server.home, 'logs')
    expect(readFileSync(join(logs, readdirSync(logs)[0]!), 'utf8')).toContain('model loaded')
  })

  test('tells how much of a prompt it had read before', async () => {
    const cached = async () => {
      const answer = await (await post(server, CHATS, { ...question, max_tokens: 1 })).json()
      return (answer as { usage: { prompt_tokens_details: { cached_tokens: number } } }).usage
        .prompt_tokens_details.cached_tokens
    }
    await cached()
    expect(await cached()).toBeGreaterThan(10)
  })

  test('[failure-domains] killed in the middle of a stream: its text goes on as it would have, and it comes back', async () => {
    await until(async () => (await worker(server, 'llama.cpp'))?.state === 'ready', 'the fallback')
    const whole = await stream(server, TEXTS, text)
    let victims: readonly number[] = []
    const broken = await killedAmid(server, TEXTS, text, {
      when: (pieces) => pieces === 3,
      victims: async () => {
        victims = await serversOf(server)
        return victims
      },
    })
    expect(broken.text).toBe(whole.text)
    expect(broken.continued).toMatchObject([{ from: 'openai on cpu', to: 'llama.cpp on cpu' }])
    expect(broken.continued?.[0]?.why).toContain('ended by SIGKILL')
    await until(async () => (await worker(server, 'openai'))?.state === 'ready', 'the next life')
    const response = await post(server, CHATS, question)
    expect(response.headers.get('x-tandem-engine')).toBe('openai')
    const others = await serversOf(server)
    expect(others.some((pid) => victims.includes(pid))).toBe(false)
  })

  test('goes with Tandem, however that ends', async () => {
    const orphans = await serversOf(server)
    expect(orphans.length).toBeGreaterThan(0)
    server.signal('SIGKILL')
    await until(() => orphans.every((pid) => !lives(pid)), 'its end')
  })
})

function lives(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

describeLlamaServer('a llama-server that does not start', () => {
  let server: TestServer
  afterAll(() => server?.stop())

  test('[no-silent-fallback] the reason is one sentence, and the embedded engine serves meanwhile', async () => {
    const broken = { ...llamaServer, args: ['--frobnicate'] }
    server = await startTestServer({ config: { ...config, llamaServer: broken }, env, early: true })
    await until(async () => (await worker(server, 'llama.cpp'))?.state === 'ready', 'the fallback')
    let error: string | undefined
    await until(async () => {
      error = (await worker(server, 'openai'))?.error
      return error !== undefined
    }, 'the reason')
    expect(error).toMatch(/^llama-server failed: it does not know the argument --frobnicate; its log is \S+$/)
    const response = await post(server, CHATS, question)
    expect(response.headers.get('x-tandem-engine')).toBe('llama.cpp')
    expect(response.headers.get('x-tandem-fallback')).toContain('openai on cpu')
  })
})

describeLlamaServer('[measured-placement] a llama-server beside the embedded llama.cpp', () => {
  test('stands back until it is measured; then the faster one serves', async () => {
    const home = await mkdtemp(join(tmpdir(), 'tandem-measured-'))
    try {
      await writeFile(
        join(home, 'tandem.yaml'),
        JSON.stringify({ llamaServer, placement: { never: ['igpu', 'dgpu'] } }),
      )
      const options = { home, env }
      const before = await tandemJson<Plan>(['plan'], options)
      expect(before.tasks.chat?.[0]).toMatchObject({ engine: 'llama.cpp', device: 'cpu' })
      expect(before.rejected).toContainEqual(expect.objectContaining({ engine: 'openai', device: 'cpu' }))
      const bench = ['bench', 'devices', '--task', 'chat', '--budget', '2000']
      const { placements } = await tandemJson<{ placements: Measurement[] }>(bench, options)
      const speeds = new Map(
        placements
          .filter(({ device }) => device === 'cpu')
          .map((each) => [each.engine, each.decoder!.decodeTokensPerSecond]),
      )
      expect([...speeds.keys()].sort()).toEqual(['llama.cpp', 'openai'])
      const faster = speeds.get('openai')! > speeds.get('llama.cpp')! ? 'openai' : 'llama.cpp'
      const after = await tandemJson<Plan>(['plan'], options)
      expect(after.tasks.chat?.[0]).toMatchObject({ engine: faster, device: 'cpu' })
      expect(after.tasks.chat?.[0]?.reasons.join('; ')).toContain('measured: writes')
    } finally {
      await rm(home, { recursive: true, force: true })
    }
  })
})
