import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FakeServer } from './fake-server.ts'
import { type CliRun, startCli, until } from './run-cli.ts'

let home: string
let demo: string
let server: FakeServer
let running: CliRun | undefined

beforeEach(async () => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'tandem-cli-')))
  demo = join(home, 'demo')
  mkdirSync(demo)
  server = new FakeServer()
  await server.listen()
})
afterEach(async () => {
  running?.child.kill('SIGKILL')
  await running?.ended
  running = undefined
  await server.close()
  rmSync(home, { recursive: true, force: true })
})

function serve(args: readonly string[], env: Record<string, string> = {}): CliRun {
  const all = { FAKE_URL: server.url, FAKE_LOG: join(home, 'log'), ...env }
  running = startCli(['serve', ...args], { cwd: home, home, env: all })
  return running
}

test('options win over the configuration, and the server announces itself', async () => {
  const args = ['--port', '9321', '--log-level', 'info', '--also-listen', '1234,11434']
  const { output } = serve(args, { TANDEM_QUEUE_MAX_WAITING: '7' })
  await until(() => output.stdout.includes('Ctrl-C ends it'), 'the banner')
  expect(output.stdout).toContain('and at http://127.0.0.1:1234, http://127.0.0.1:11434')
  const start = JSON.parse(readFileSync(join(home, 'log'), 'utf8').split('\n')[0]!)
  expect(start).toMatchObject({
    home,
    announce: true,
    openProjects: true,
    config: {
      server: { port: 9321, alsoListen: [1234, 11434] },
      log: { level: 'info' },
      queue: { maxWaiting: 7 },
    },
  })
  expect(start).not.toHaveProperty('tasks')
})

test('the banner: address, what runs where, the project, the chat model as what it is, three things to try', async () => {
  server.looksUntilReady = 8
  const { output } = serve(['--project', 'demo'])
  await until(() => output.stderr.includes('demo is indexed'), 'the index')
  const { stdout } = output
  expect(stdout).toContain(`Tandem is ready at ${server.url}`)
  expect(stdout).toMatch(/chat +tandem-tiny-chat +llama\.cpp on cpu/)
  expect(stdout).toMatch(/embed +tandem-embed-small +onnxruntime on cpu/)
  expect(stdout).toMatch(/project +demo +.*demo +\(still being indexed/)
  expect(stdout).toContain('small offline model')
  expect(stdout).toContain('models.chat in tandem.yaml')
  expect(stdout).toContain('npx tandem ask')
  expect(stdout).toContain(`open ${server.url} in a browser`)
  expect(output.stderr).toContain('demo is indexed: 12 files, 340 chunks')
  expect(server.received.find(({ method }) => method === 'POST')?.body).toEqual({ path: demo })

  const curl = stdout.split('\n').find((line) => line.includes('curl '))
  const body = JSON.parse(/-d '(.*)'$/.exec(curl ?? '')?.[1] ?? '')
  expect(body.model).toBe('tandem-tiny-chat@demo')
})

test('a configured chat model is not called the shipped one', async () => {
  const { output } = serve([], { TANDEM_MODELS_CHAT: 'big' })
  await until(() => output.stdout.includes('Ctrl-C ends it'), 'the banner')
  expect(output.stdout).not.toContain('ships with Tandem')
})

test('--json: one document when it is ready', async () => {
  const { child, output, ended } = serve(['--json', '--project', 'demo'])
  await until(() => output.stdout.endsWith('}\n'), 'the document')
  expect(JSON.parse(output.stdout)).toMatchObject({
    url: server.url,
    alsoAt: [],
    home,
    tasks: { chat: [{ model: 'tandem-tiny-chat' }] },
    projects: [{ name: 'demo' }],
  })
  child.kill('SIGINT')
  await ended
  JSON.parse(output.stdout)
})

test('an index that fails is told, and the server stays', async () => {
  server.faults.set('/tandem/v1/projects/demo', {
    status: 500,
    code: 'internal',
    message: 'the disk is full',
  })
  const { output, child } = serve(['--project', 'demo'])
  await until(() => output.stderr.includes('the disk is full') && output.stdout.includes('Ctrl-C'), 'both')
  expect(child.exitCode).toBeNull()
})

describe.skipIf(process.platform !== 'linux')('on a terminal', () => {
  const entry = fileURLToPath(new URL('./process-entry.js', import.meta.url))
  /** Runs under a pseudo-terminal of util-linux; gives both streams in one. */
  async function onTerminal(args: string, env: Record<string, string> = {}): Promise<string> {
    const line = `"${process.execPath}" "${entry}" ${args}`
    const child = spawn('script', ['-qec', line, '/dev/null'], {
      cwd: demo,
      env: {
        PATH: process.env['PATH'] ?? '',
        TANDEM_HOME: home,
        FAKE_URL: server.url,
        TERM: 'xterm',
        ...env,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      text += part
    })
    await once(child, 'close')
    return text
  }

  const hasScript = (() => {
    try {
      execFileSync('script', ['--version'], { stdio: 'ignore' })
      return true
    } catch {
      return false
    }
  })()

  test.skipIf(!hasScript)('colours and one progress line that is redrawn', async () => {
    server.looksUntilReady = 3
    const text = await onTerminal('index')
    expect(text).toContain('\u001b[32mindexed\u001b[39m demo')
    expect(text).toContain(
      `\r\u001b[2Kdemo: [${'#'.repeat(6)}${'.'.repeat(18)}] 25 %, 12/12 files, 120 chunks/s, 2 s left`,
    )
    expect(text.indexOf('\r\u001b[2K', text.lastIndexOf('% '))).toBeLessThan(text.indexOf('indexed'))
  })

  test.skipIf(!hasScript)('NO_COLOR: no colours', async () => {
    const text = await onTerminal('status', { NO_COLOR: '1' })
    expect(text).toContain('tandem-embed-small')
    expect(text).not.toContain('\u001b[')
  })
})
