import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TandemError } from '../domain/index.ts'
import { CONFIG_KEYS, configSchema } from './keys.ts'
import { type LoadConfigInput, loadConfig } from './load.ts'
import { shownSettings } from './show.ts'

let home: string
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'tandem-config-'))
})
afterAll(() => rmSync(home, { recursive: true, force: true }))

function load(yaml: string | undefined, more: Partial<LoadConfigInput> = {}) {
  rmSync(join(home, 'tandem.yaml'), { force: true })
  if (yaml !== undefined) writeFileSync(join(home, 'tandem.yaml'), yaml)
  return loadConfig({ home, env: {}, ...more })
}

function failure(run: () => unknown): TandemError {
  try {
    run()
  } catch (thrown) {
    if (thrown instanceof TandemError) return thrown
    throw thrown
  }
  throw new Error('no error')
}

test('a list of numbers may be written with commas in a variable', () => {
  const env = { TANDEM_OPENVINO_BUCKETS: '64, 160' }
  expect(load(undefined, { env }).config.openvino.buckets).toEqual([64, 160])
  expect(failure(() => load(undefined, { env: { TANDEM_OPENVINO_BUCKETS: '64,many' } })).message).toMatch(
    /"many" \(entry 2\) does not fit/,
  )
})

test('faults of simulated devices stand in the file, or in a variable as pairs or JSON', () => {
  const faults = { npu0: 'crash:20', gpu0: 'slow:2' }
  const given = (text: string) =>
    load(undefined, { env: { TANDEM_SIMULATE_FAULTS: text } }).config.simulate.faults
  expect(load(JSON.stringify({ simulate: { faults } })).config.simulate.faults).toEqual(faults)
  expect(given('npu0=crash:20, gpu0=slow:2')).toEqual(faults)
  expect(given(JSON.stringify(faults))).toEqual(faults)
})

test('a placement is a device, an engine, or an engine and a device', () => {
  const placed = (embed: string) => load(JSON.stringify({ placement: { embed } })).config.placement.embed
  const fine = [
    'openvino@HETERO:GPU.1,CPU',
    'llama.cpp',
    'npu0',
    'NPU',
    'GPU.1',
    'cpu',
    'Vulkan0',
    'HETERO:NPU,CPU',
  ]
  for (const text of fine) expect(placed(text)).toBe(text)
  for (const wrong of ['tensorrt', 'openvino@', 'llamaXcpp', 'npu0@openvino', 'HETERO', '-1'])
    expect(failure(() => placed(wrong)).message).toMatch(
      /a device \(cpu, npu0, GPU.1\), an engine \(onnxruntime, llama.cpp, openvino, openai\)/,
    )
})

/** Broken files: the text, line:column of the problem, what the message must say. */
const BROKEN: readonly (readonly [string, string, string, ...string[]])[] = [
  ['port out of range', 'server:\n  port: 70000\n', '2:9', 'server.port', '70000', 'from 0 to 65535'],
  ['port as text', 'server:\n  port: "9000"\n', '2:9', '"9000" does not fit', 'an integer'],
  ['port with a fraction', 'server:\n  port: 90.5\n', '2:9', '90.5', 'an integer'],
  ['port as a list', 'server:\n  port: [1, 2]\n', '2:9', '[1,2]', 'an integer'],
  ['port without a value', 'server:\n  port:\n', '2:8', 'has no value'],
  ['a misspelt key', 'queue:\n  maxWaitng: 5\n', '2:3', 'queue.maxWaitng', 'did you mean queue.maxWaiting?'],
  ['another case', 'queue:\n  maxwaitms: 5\n', '2:3', 'did you mean queue.maxWaitMs?'],
  ['a key of another section', 'queue:\n  slots: 2\n', '2:3', 'did you mean chat.slots?'],
  ['an unknown key like no other', 'log:\n  colour: blue\n', '2:3', 'allowed under log: level'],
  ['a misspelt section', 'sever:\n  port: 1\n', '1:1', 'unknown section "sever"', 'did you mean server?'],
  ['a key at the top', 'port: 9000\n', '1:1', 'server.port', 'under `server:`'],
  ['a dotted key', 'server.port: 9000\n', '1:1', 'server.port', 'under `server:`'],
  ['an unknown section like no other', 'x: 1\n', '1:1', 'allowed: server, queue'],
  ['a section that is a number', 'server: 9000\n', '1:9', 'server must hold keys of its own', 'port'],
  ['a section that is a list', 'server:\n  - port: 1\n', '2:3', 'server must hold keys of its own'],
  ['a list at the top', '- server\n', '1:1', 'must be sections'],
  ['a text at the top', 'hello\n', '1:1', 'must be sections'],
  ['a wrong policy', 'placement:\n  policy: fast\n', '2:11', 'performance, development, economy'],
  [
    'a policy with a wrong key',
    'placement:\n  policies: {calm: {bass: economy}}\n',
    '2:13',
    'did you mean base?',
  ],
  ['a wrong log level', 'log:\n  level: verbose\n', '2:10', 'silent, error, warn, info, debug'],
  ['a boolean as text', 'index:\n  watch: sometimes\n', '2:10', '"sometimes"', 'true or false'],
  ['a list that is a text', 'models:\n  folders: /models\n', '2:12', 'a list, each entry a text'],
  ['a wrong list entry', 'models:\n  folders: [a, 7]\n', '2:12', '7 (entry 2)', 'a list'],
  ['too few slots', 'chat:\n  slots: 0\n', '2:10', 'chat.slots: 0', 'from 1 to 64'],
  ['a tab as indentation', 'server:\n\tport: 1\n', '2:1', 'not valid YAML'],
  ['an unclosed bracket', 'models:\n  folders: [a\n', '3:1', 'not valid YAML'],
  ['a key twice', 'server:\n  port: 1\n  port: 2\n', '3:3', 'not valid YAML', 'unique'],
  ['a section twice', 'log: {level: warn}\nlog: {level: info}\n', '2:1', 'not valid YAML'],
  ['two documents', 'log:\n  level: warn\n---\nlog:\n', '3:1', 'not valid YAML'],
  ['an alias without anchor', 'models:\n  chat: *big\n', '2:9', 'big'],
  ['a secret that is too short', 'server:\n  apiKey: geheim7\n', '2:11', 'at least 8 characters'],
  ['a secret from a variable that is not set', 'server:\n  apiKey: env:NOPE\n', '2:11', 'NOPE', 'not set'],
  ['an open host without key', 'server:\n  host: 0.0.0.0\n', '2:9', 'server.apiKey', '127.0.0.1'],
]

describe('a broken file', () => {
  test.each(BROKEN)('%s', (_name, yaml, position, ...says) => {
    const error = failure(() => load(yaml))
    expect(error.code).toBe('CONFIG_INVALID')
    expect(error.message).toContain(`${join(home, 'tandem.yaml')}:${position}: `)
    for (const part of says) expect(error.message).toContain(part)
  })

  test('all problems are reported, one a line', () => {
    const lines = failure(() => load('server:\n  port: -1\nqueue:\n  maxWaiting: 0\n')).message.split('\n')
    expect(lines).toHaveLength(2)
    expect(lines[1]).toContain('tandem.yaml:4:15: queue.maxWaiting: 0')
  })

  test('a secret that does not fit is not printed', () => {
    expect(failure(() => load('server:\n  apiKey: geheim7\n')).message).not.toContain('geheim')
  })

  test('--config names a file that is not there, or a folder', () => {
    const missing = failure(() => loadConfig({ home, file: join(home, 'no.yaml'), env: {} }))
    expect(missing.message).toBe(`${join(home, 'no.yaml')}: no such file`)
    expect(failure(() => loadConfig({ home, file: home, env: {} })).message).toContain('is a folder')
  })
})

describe('broken variables and flags', () => {
  test.each([
    ['TANDEM_SERVER_PORT', 'http', 'an integer from 0 to 65535'],
    ['TANDEM_QUEUE_MAX_WAITING', '1e3', 'an integer from 1 to 10000'],
    ['TANDEM_INDEX_WATCH', 'maybe', 'true or false'],
    ['TANDEM_MODELS_FOLDERS', '["a",', 'a list'],
    ['TANDEM_SERVER_API_KEY', 'env:GONE', 'GONE'],
    ['TANDEM_SIMULATE_FAULTS', 'npu0', 'keys with values'],
    ['TANDEM_SIMULATE_FAULTS', '{"npu0": 1}', 'simulate.faults.npu0: 1 does not fit'],
    ['TANDEM_SIMULATE_FAULTS', '{"npu0"', 'keys with values'],
  ])('%s=%s', (name, value, says) => {
    const { message } = failure(() => load(undefined, { env: { [name]: value } }))
    expect(message.startsWith(`${name}: `)).toBe(true)
    expect(message).toContain(says)
  })

  test('of a list of names the nearest are offered', () => {
    const flags = [{ key: 'simulate.machine', value: 'core-ultra-265k-b850', flag: '--simulate' }]
    expect(failure(() => load(undefined, { flags })).message).toMatch(
      /^--simulate: simulate.machine: "core-ultra-265k-b850" does not fit, did you mean core-ultra-265k or core-ultra-265k-b580\?; allowed: one of: core/,
    )
  })

  test('a flag is named as typed', () => {
    const flags = [{ key: 'server.port', value: 'x', flag: '--port' }]
    expect(failure(() => load(undefined, { flags })).message).toBe(
      '--port: server.port: "x" does not fit; allowed: an integer from 0 to 65535',
    )
  })
})

describe('what is in force', () => {
  test('no file: the defaults', () => {
    const { config, source, file } = load(undefined)
    expect(config.server).toMatchObject({ host: '127.0.0.1', port: 8420 })
    expect(source['server.port']).toEqual({ from: 'default' })
    expect(file).toBeUndefined()
  })

  test.each(['', '# nothing\n', 'server:\nqueue:\n  # maxWaiting: 3\n'])('an empty file %j', (yaml) => {
    expect(load(yaml).config).toEqual(load(undefined).config)
  })

  test('flags over variables over file over defaults, with where each came from', () => {
    const yaml = 'server:\n  port: 1001\n  maxInputs: 11\nqueue:\n  maxWaiting: 12\n'
    const env = { TANDEM_SERVER_PORT: '1002', TANDEM_QUEUE_MAX_WAITING: '13' }
    const flags = [{ key: 'server.port', value: '1003', flag: '--port' }]
    const { config, source } = load(yaml, { env, flags })
    expect([config.server.port, config.queue.maxWaiting, config.server.maxInputs]).toEqual([1003, 13, 11])
    expect(source['server.port']).toEqual({ from: 'flag', where: '--port' })
    expect(source['queue.maxWaiting']).toEqual({ from: 'environment', where: 'TANDEM_QUEUE_MAX_WAITING' })
    expect(source['server.maxInputs']).toEqual({
      from: 'file',
      where: `${join(home, 'tandem.yaml')}:3:14`,
    })
  })

  test('variables are turned into their types', () => {
    const env = {
      TANDEM_INDEX_WATCH: 'off',
      TANDEM_MODELS_FOLDERS: ' /a, /b ,',
      TANDEM_SERVER_ALLOWED_HOSTS: '["one","two"]',
      TANDEM_MODELS_CHAT: '12',
      TANDEM_QUEUE_MAX_WAIT_MS: '',
    }
    const { config } = load(undefined, { env })
    expect(config.index.watch).toBe(false)
    expect(config.models.folders).toEqual(['/a', '/b'])
    expect(config.server.allowedHosts).toEqual(['one', 'two'])
    expect(config.models.chat).toBe('12')
    expect(config.queue.maxWaitMs).toBe(60_000)
  })

  test('a secret comes from the variable that it names, and is masked when shown', () => {
    const loaded = load('server:\n  apiKey: env:MY_KEY\n', { env: { MY_KEY: 'a-long-secret' } })
    expect(loaded.config.server.apiKey).toBe('a-long-secret')
    expect(JSON.stringify(shownSettings(loaded))).not.toContain('a-long-secret')
  })

  test('a variable that sets nothing is warned of, with the nearest name', () => {
    const { warnings } = load(undefined, { env: { TANDEM_SERVER_PROT: '1', TANDEM_HOME: home } })
    expect(warnings).toEqual([
      'the variable TANDEM_SERVER_PROT sets nothing; did you mean TANDEM_SERVER_PORT?',
    ])
  })

  test('an open host is fine with a key', () => {
    const env = { TANDEM_SERVER_HOST: '0.0.0.0', TANDEM_SERVER_API_KEY: 'a-long-secret' }
    expect(load(undefined, { env }).config.server.host).toBe('0.0.0.0')
  })
})

test('every setting has a description and an own variable', () => {
  expect(CONFIG_KEYS.filter((key) => key.description === '').map((key) => key.key)).toEqual([])
  expect(new Set(CONFIG_KEYS.map((key) => key.variable)).size).toBe(CONFIG_KEYS.length)
  expect(configSchema()).toMatchObject({ additionalProperties: false })
})
