import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FakeServer } from './fake-server.ts'
import { runCli } from './run-cli.ts'

let home: string
let project: string
let server: FakeServer

beforeEach(async () => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'tandem-cli-')))
  project = join(home, 'demo')
  mkdirSync(join(project, 'src'), { recursive: true })
  server = new FakeServer()
  await server.listen()
})
afterEach(async () => {
  await server.close()
  rmSync(home, { recursive: true, force: true })
})

/** Makes the fake the running server of this home. */
function announce(pid = process.pid): void {
  const startedAt = new Date().toISOString()
  writeFileSync(join(home, 'server.json'), JSON.stringify({ pid, url: server.url, startedAt }))
}

const run = (
  args: readonly string[],
  more: { env?: Record<string, string>; stdin?: string; cwd?: string } = {},
) => runCli(args, { cwd: more.cwd ?? join(project, 'src'), home, ...more })

/** Runs with `--json`: nothing but one document may be on stdout. */
async function runJson(args: readonly string[], more: Parameters<typeof run>[1] = {}): Promise<unknown> {
  const { code, stdout, stderr } = await run([...args, '--json'], more)
  expect({ code, stderr }).toMatchObject({ code: 0 })
  return JSON.parse(stdout)
}

const bodyOf = (path: string) => server.received.find((request) => request.path === path)?.body

describe('with a running server', () => {
  beforeEach(() => {
    announce()
    server.addProject('demo', project)
  })

  test('search asks about the project that holds the current folder', async () => {
    const { code, stdout, stderr } = await run(['search', 'cancel', 'a', 'request', '--limit', '3'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(bodyOf('/tandem/v1/search')).toEqual({
      query: 'cancel a request',
      project: 'demo',
      limit: 3,
      explain: false,
    })
    expect(stdout).toContain('1. src/queue.ts:10-42 takeBatch 0.831\n   line 10\n')
    expect(stdout).toContain('... 3 more lines')
    expect(stdout).not.toContain('\u001b')
  })

  test('search --explain says why', async () => {
    const { stdout } = await run(['search', 'x', '--explain'])
    expect(stdout).toContain('vector 0.710, lexical 1.000, trigram -, definition 0.100')
  })

  test('search --json is the document of the contract', async () => {
    const document = await runJson(['search', 'x'])
    expect(document).toMatchObject({ results: [{ path: 'src/queue.ts', startLine: 10, endLine: 42 }] })
  })

  test('the deepest project that holds the folder is taken, --project wins', async () => {
    server.addProject('inner', join(project, 'src'))
    await run(['search', 'x'])
    await run(['search', 'x', '--project', 'demo'])
    const asked = server.received.filter(({ path }) => path === '/tandem/v1/search')
    expect(asked.map(({ body }) => (body as { project: string }).project)).toEqual(['inner', 'demo'])
  })

  test('ask streams the answer and numbers the citations', async () => {
    const { code, stdout } = await run(['ask', 'where', 'is', 'the', 'queue', 'bounded?'])
    expect(code).toBe(0)
    expect(stdout).toBe(
      '`takeBatch` bounds the queue [1].\n\n[1] src/queue.ts:10\n[2] docs/limits.md:3 (read, not cited)\n',
    )
    expect(bodyOf('/v1/chat/completions')).toMatchObject({
      model: 'tandem-tiny-chat',
      stream: true,
      messages: [{ role: 'user', content: 'where is the queue bounded?' }],
      tandem: { project: 'demo' },
    })
  })

  test('ask --json', async () => {
    expect(await runJson(['ask', 'x', '--model', 'other'])).toEqual({
      answer: '`takeBatch` bounds the queue [1].',
      citations: [
        { path: 'src/queue.ts', startLine: 10, endLine: 42, score: 0.8 },
        { path: 'docs/limits.md', startLine: 3, endLine: 9, score: 0.5 },
      ],
      project: 'demo',
      model: 'other',
    })
  })

  test('embed, also from standard input', async () => {
    expect(await runJson(['embed', 'one', '-'], { stdin: 'two\n' })).toEqual({
      model: 'tandem-embed-small',
      fingerprint: 'abc123',
      engine: 'onnxruntime',
      device: 'cpu',
      embeddings: [
        [0.5, -0.25, 0],
        [0.5, -0.25, 1],
      ],
      truncated: [],
    })
    expect(bodyOf('/v1/embeddings')).toEqual({ model: 'tandem-embed-small', input: ['one', 'two\n'] })
    const { stdout } = await run(['embed', 'one'])
    expect(stdout).toBe('3 dimensions: 0.5000 -0.2500 0.0000 ...\n')
  })

  test.each([
    ['status', ['running at', 'tandem-embed-small', 'demo']],
    ['plan', ['policy development', 'primary', 'the only device', 'does not fit']],
    ['devices', ['A CPU', '8.0 GiB', 'onnxruntime=cpu']],
    ['models', ['tandem-tiny-chat', 'A small offline model.', '2048']],
  ])('%s as a table', async (command, says) => {
    const { code, stdout, stderr } = await run([command])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    for (const part of says) expect(stdout).toContain(part)
    expect(stdout).not.toContain('tandem-tiny-chat@demo')
  })

  test.each([
    ['status', 'workers', 'projects'],
    ['plan', 'policy', 'simulated', 'tasks', 'rejected'],
    ['devices', 'devices'],
    ['models', 'object', 'data'],
  ])('%s --json has the keys of the contract', async (command, ...keys) => {
    expect(Object.keys((await runJson([command])) as object).sort()).toEqual(keys.sort())
  })

  test('index follows the running server and sums up', async () => {
    const { code, stdout, stderr } = await run(['index', '..', '--name', 'demo'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^indexed demo \(.*demo\): 12 files, 340 chunks, 3 files left out, [\d.]+ s\n$/)
    expect(stderr).toBe('tandem: the running server keeps it up to date\n')
    expect(bodyOf('/tandem/v1/projects')).toEqual({ path: project, name: 'demo' })
  })

  test('index --json', async () => {
    const document = await runJson(['index', '..'])
    expect(document).toMatchObject({ name: 'demo', files: 12, chunks: 340, skipped: 3, state: 'ready' })
  })

  test('index --explain sends the path within the project', async () => {
    const { stdout } = await run(['index', '--explain', '../dist/app.js'])
    expect(stdout).toBe('dist/app.js: left out: ignored by .gitignore line 3 (dist/)\n')
  })

  test('index --explain of a path through a link is about the file itself', async () => {
    symlinkSync(project, join(home, 'link'))
    const { stdout } = await run(['index', '--explain', join(home, 'link', 'src', 'queue.ts')])
    expect(stdout).toMatch(/^src\/queue\.ts: /)
  })

  test('names and reasons cannot move the cursor or change colours', async () => {
    const clearScreen = '\u001b[2J'
    server.projects[0]!.path = `${project}${clearScreen}`
    expect((await run(['index', '..'])).stdout).not.toContain(clearScreen)
    server.faults.set('/tandem/v1/projects', {
      status: 400,
      code: 'invalid_request',
      message: `a${clearScreen}b`,
    })
    const { stderr } = await run(['index', '..'])
    expect(stderr).toContain('tandem: a\ufffd[2Jb\n')
    Object.assign(server.projects[0]!, { state: 'failed', error: `why${clearScreen}` })
    expect((await run(['search', 'x', '--project', 'demo'])).stderr).not.toContain(clearScreen)
  })

  test('a failed index is an error with its reason', async () => {
    server.projects[0]!.path = '/elsewhere'
    server.addProject('bad', project, { state: 'failed', error: 'the disk is full' })
    server.faults.set('/tandem/v1/projects/bad', {
      status: 500,
      code: 'internal',
      message: 'the disk is full',
    })
    const { code, stderr } = await run(['index', '..'])
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('the disk is full') })
  })

  test('a project that is still being indexed is said', async () => {
    Object.assign(server.projects[0]!, { state: 'indexing' })
    expect((await run(['search', 'x'])).stderr).toContain('demo is still being indexed')
  })

  test('no project holds the folder: what to do', async () => {
    const { code, stderr } = await run(['search', 'x'], { cwd: home })
    expect(code).toBe(1)
    expect(stderr).toContain(`no project holds ${home}\n`)
    expect(stderr).toContain('`tandem index`, or name one with --project: demo')
  })

  test('an unknown project: the nearest name', async () => {
    expect((await run(['ask', 'x', '--project', 'dmeo'])).stderr).toContain('did you mean demo?')
  })

  test('the configured key is sent; without it the error says what to do', async () => {
    server.apiKey = 'a-long-secret'
    const { code, stderr } = await run(['status'])
    expect(code).toBe(1)
    expect(stderr).toContain('wrong or missing API key')
    expect(stderr).toContain('TANDEM_SERVER_API_KEY')
    expect((await run(['status'], { env: { TANDEM_SERVER_API_KEY: 'a-long-secret' } })).code).toBe(0)
  })
})

describe('without a running server', () => {
  const started = () =>
    readFileSync(join(home, 'log'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown> & { config: { server: object } })
  const ephemeral = () => ({ FAKE_URL: server.url, FAKE_LOG: join(home, 'log') })

  test.each([
    ['search', ['embed']],
    ['ask', ['chat', 'embed']],
    ['embed', ['embed']],
    ['status', []],
    ['index', ['embed']],
  ])('%s starts one for itself, for the tasks that it needs, and stops it', async (command, tasks) => {
    server.addProject('demo', project)
    const { code } = await run(
      [command, ...(command === 'index' ? ['..'] : command === 'status' ? [] : ['x'])],
      {
        env: ephemeral(),
      },
    )
    expect(code).toBe(0)
    const [start, stop, ...rest] = started()
    expect(start).toMatchObject({ event: 'start', home, tasks, announce: false, openProjects: false })
    expect(start!.config.server).toMatchObject({ host: '127.0.0.1', port: 0 })
    expect(stop).toMatchObject({ event: 'stop' })
    expect(rest).toEqual([])
  })

  test('search first brings the project up to date', async () => {
    server.addProject('demo', project)
    await run(['search', 'x'], { env: ephemeral() })
    const order = server.received.map(({ method, path }) => `${method} ${path}`)
    expect(order.indexOf('POST /tandem/v1/projects')).toBeGreaterThan(-1)
    expect(order.indexOf('POST /tandem/v1/projects')).toBeLessThan(order.indexOf('POST /tandem/v1/search'))
  })

  test('a failed command stops it too', async () => {
    const { code } = await run(['search', 'x'], { env: ephemeral() })
    expect(code).toBe(1)
    expect(started().map(({ event }) => event)).toEqual(['start', 'stop'])
  })

  const stale: readonly (readonly [string, () => void])[] = [
    ['of a process that has ended', () => announce(2 ** 22 - 3)],
    ['that is half written', () => writeFileSync(join(home, 'server.json'), '{"pid":')],
    ['that names no address', () => writeFileSync(join(home, 'server.json'), `{"pid":${process.pid}}`)],
  ]
  test.each(stale)('a server.json %s is passed over', async (_name, write) => {
    write()
    expect((await run(['status'], { env: ephemeral() })).code).toBe(0)
    expect(started()[0]).toMatchObject({ event: 'start' })
  })

  test('a server.json whose address another program has is passed over', async () => {
    const other = new FakeServer()
    await other.listen()
    other.faults.set('/health', 'html')
    writeFileSync(join(home, 'server.json'), JSON.stringify({ pid: process.pid, url: other.url }))
    expect((await run(['status'], { env: ephemeral() })).code).toBe(0)
    await other.close()
    expect(started()[0]).toMatchObject({ event: 'start' })
  })
})

describe('a server with faults', () => {
  beforeEach(() => {
    announce()
    server.addProject('demo', project)
  })

  test('one that starts is waited for', async () => {
    server.health = { status: 503, body: { status: 'starting' } }
    // the first question is answered by 503, however late it comes
    const asked = () => server.received.filter(({ path }) => path === '/health').length
    const turn = setInterval(() => {
      if (asked() > 0) server.health = { status: 200, body: { status: 'ok' } }
    }, 50)
    expect((await run(['status'])).code).toBe(0)
    clearInterval(turn)
    expect(asked()).toBeGreaterThan(1)
  })

  test('one that hangs is an error, not a second server', async () => {
    server.faults.set('/health', 'hang')
    const { code, stderr } = await run(['status'])
    expect(code).toBe(1)
    expect(stderr).toContain(`(process ${process.pid}) does not answer`)
  })

  test.each([
    ['drop', 'the connection to the server at', '/tandem/v1/search', 'search'],
    ['html', 'answered something that a Tandem server does not (no JSON)', '/tandem/v1/search', 'search'],
    ['cutStream', 'the answer ended before it was complete', '/v1/chat', 'ask'],
    ['errorEvent', 'the worker stopped while it answered', '/v1/chat', 'ask'],
  ] as const)('%s', async (fault, says, path, command) => {
    server.faults.set(path, fault)
    const { code, stderr } = await run([command, 'x'])
    expect(code).toBe(1)
    expect(stderr).toContain(says)
    expect(stderr).not.toMatch(/^\s+at /m)
  })

  test('its own reasons are passed on, with a hint', async () => {
    const message = 'there is no model "tiny"; did you mean tandem-tiny-chat?'
    server.faults.set('/v1/chat', { status: 404, code: 'model_not_found', message })
    const { code, stderr } = await run(['ask', 'x', '--model', 'tiny'])
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `tandem: ${message}\nhint: \`tandem models\` lists the models\n`,
    })
  })

  test('control characters from the server do not reach the terminal', async () => {
    server.projects[0]!.name = 'de\u001b[2Jmo'
    const { stdout } = await run(['status'])
    expect(stdout).toContain('de\ufffd[2Jmo')
  })
})
