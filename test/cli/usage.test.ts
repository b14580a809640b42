import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCli } from './run-cli.ts'

let home: string
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'tandem-cli-'))
})
afterAll(() => rmSync(home, { recursive: true, force: true }))

const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  runCli(args, { cwd: home, home, env })

const COMMANDS = [
  'serve',
  'index',
  'search',
  'ask',
  'embed',
  'rerank',
  'classify',
  'models',
  'pull',
  'status',
  'devices',
  'plan',
  'bench devices',
  'doctor',
  'config show',
  'config check',
  'config path',
  'config schema',
]

test.each(COMMANDS)('%s --help shows what it takes and examples', async (command) => {
  const { code, stdout, stderr } = await run([...command.split(' '), '--help'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toContain(`Usage: tandem ${command} `)
  expect(stdout).toContain('Examples:\n  $ ')
})

test('--version', async () => {
  expect(await run(['--version'])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
  })
})

/** Wrong use: the words, and what stderr must say. */
const WRONG: { args: string[]; says: string[] }[] = [
  { args: [], says: ['Usage: tandem'] },
  { args: ['config'], says: ['Usage: tandem config'] },
  { args: ['serch', 'x'], says: ["unknown command 'serch'", 'Did you mean search?'] },
  { args: ['config', 'shwo'], says: ["unknown command 'shwo'", 'Did you mean show?'] },
  {
    args: ['serve', '--prot', '1'],
    says: ["unknown option '--prot'", 'Did you mean --port?', 'tandem serve --help'],
  },
  { args: ['search'], says: ["missing required argument 'query'"] },
  { args: ['search', 'x', '--limit', '0'], says: ['an integer from 1 to 100'] },
  { args: ['search', 'x', '--limit', 'ten'], says: ['"ten" does not fit'] },
  { args: ['search', 'x', '--limit'], says: ['argument missing'] },
  { args: ['plan', 'now'], says: ['too many arguments'] },
  { args: ['serve', '--port', '99999'], says: ['--port: server.port', 'from 0 to 65535'] },
  {
    args: ['serve', '--log-level', 'loud'],
    says: ['--log-level: log.level', 'silent, error, warn, info, debug'],
  },
  { args: ['serve', '--host', '0.0.0.0'], says: ['--host: server.host', 'server.apiKey'] },
  { args: ['serve', '--config', 'nope.yaml'], says: ['nope.yaml: no such file'] },
  { args: ['serve', '--project', 'nope'], says: ['nope: does not exist; give a folder that exists'] },
  { args: ['index', 'nope'], says: ['nope: does not exist'] },
  { args: ['index', 'tandem.yaml.broken'], says: ['is a file, not a folder'] },
  { args: ['embed', '-', '-'], says: ['standard input can be read only once'] },
  { args: ['config', 'check', 'tandem.yaml.broken'], says: ['tandem.yaml.broken:2:9', 'from 0 to 65535'] },
  { args: ['search', 'x', '--config', 'tandem.yaml.broken'], says: ['tandem.yaml.broken:2:9'] },
]

test.each(WRONG)('wrong use: $args', async ({ args, says }) => {
  writeFileSync(join(home, 'tandem.yaml.broken'), 'server:\n  port: many\n')
  const { code, stdout, stderr } = await run(args)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  for (const part of says) expect(stderr).toContain(part)
  expect(stderr).not.toMatch(/^\s+at /m)
})

describe('errors', () => {
  test('are one line and a hint, without a stack', async () => {
    const { code, stderr } = await run(['models'])
    expect(code).toBe(1)
    expect(stderr).toBe(
      'tandem: this test expects no server to be started\nhint: run it again with --verbose to see where this comes from\n',
    )
  })

  test.each<[string[], Record<string, string>]>([
    [['models', '--verbose'], {}],
    [['models'], { TANDEM_DEBUG: '1' }],
  ])('%j %j shows the stack', async (args, env) => {
    expect((await run(args, env)).stderr).toMatch(/^\s+at .*process-entry\.js/m)
  })

  test.each([
    ['PORT_TAKEN', { port: 8420, host: '127.0.0.1', by: 'another program' }, 'taken by another program'],
    ['ALREADY_RUNNING', { url: 'http://x', pid: 7 }, 'runs already at http://x (process 7)'],
  ])('%s says what to do', async (errorCode, details, says) => {
    const env = { FAKE_URL: 'http://127.0.0.1:1', FAKE_START_ERROR: JSON.stringify([errorCode, details]) }
    const { code, stderr } = await run(['serve'], env)
    expect(code).toBe(1)
    expect(stderr).toContain(says)
    expect(stderr).toMatch(/^hint: /m)
  })
})

describe('config', () => {
  const env = { TANDEM_SERVER_PORT: '9001', TANDEM_SERVER_API_KEY: 'a-long-secret' }

  test('show masks secrets and says where each value is from', async () => {
    const { code, stdout } = await run(['config', 'show'], env)
    expect(code).toBe(0)
    expect(stdout).toMatch(/^server\.port +9001 +TANDEM_SERVER_PORT$/m)
    expect(stdout).toMatch(/^queue\.maxWaiting +256 +default$/m)
    expect(stdout).toContain('********')
    expect(stdout).not.toContain('a-long-secret')
  })

  test('show --json', async () => {
    const { settings, file } = JSON.parse((await run(['config', 'show', '--json'], env)).stdout)
    expect(file).toBeNull()
    expect(settings).toContainEqual({
      key: 'server.port',
      value: 9001,
      from: 'environment',
      where: 'TANDEM_SERVER_PORT',
    })
    expect(JSON.stringify(settings)).not.toContain('a-long-secret')
  })

  test('schema is a JSON schema of every section', async () => {
    const schema = JSON.parse((await run(['config', 'schema'])).stdout)
    expect(schema.properties.queue.properties.maxWaiting).toMatchObject({ type: 'integer', default: 256 })
  })

  test('path and check', async () => {
    expect((await run(['config', 'path'])).stdout).toBe(`${join(home, 'tandem.yaml')}\n`)
    expect(await run(['config', 'check'])).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('does not exist'),
    })
    writeFileSync(join(home, 'good.yaml'), 'queue: { maxWaiting: 3 }\n')
    expect(await run(['config', 'check', 'good.yaml'])).toMatchObject({ code: 0, stderr: '' })
  })

  test('a misspelt variable is warned of', async () => {
    const { code, stderr } = await run(['config', 'show'], { TANDEM_SERVER_PROT: '1' })
    expect({ code, stderr }).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('did you mean TANDEM_SERVER_PORT'),
    })
  })
})
