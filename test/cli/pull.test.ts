import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FakeHub } from '../fakes/hub.ts'
import { ggufFile } from '../support/gguf.ts'
import { sentenceRepository } from '../support/sentence-repository.ts'
import { runCli, startCli, until } from './run-cli.ts'

const NAME = 'someone/sentences'
const WEIGHTS = 'onnx/model_quantized.onnx'

let home: string
let hub: FakeHub

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'tandem-cli-'))
  hub = await new FakeHub({ [NAME]: sentenceRepository() }).listen()
})
afterEach(async () => {
  await hub.close()
  rmSync(home, { recursive: true, force: true })
})

const options = (env: Record<string, string> = {}) => ({
  cwd: home,
  home,
  env: { TANDEM_HUB_URL: hub.url, ...env },
})
const run = (args: readonly string[], env: Record<string, string> = {}) =>
  runCli(['pull', ...args], options(env))

const partial = (): string => join(home, 'models', 'someone--sentences.partial')

test('says what it chose, where it is, and how to use it; a second time is quick', async () => {
  const first = await run([NAME])
  expect(first).toMatchObject({ code: 0, stderr: 'tandem: also there, by --format: openvino-ir\n' })
  expect(first.stdout).toMatch(
    /^pulled someone\/sentences \(someone\/sentences at [0-9a-f]{12}, license apache-2\.0\): 17\.8 MB fetched and verified\nin .*someone--sentences\nrequests that name it get it; .*tandem\.yaml.*\nmodels:\n {2}embed: someone\/sentences\n$/s,
  )
  const sent = hub.sentBytes
  const second = await run([NAME])
  expect(second.code).toBe(0)
  expect(second.stdout).toMatch(/^present someone\/sentences .*: is there already\n/)
  expect(hub.sentBytes).toBe(sent)
})

test('--json is one document, messages go to stderr', async () => {
  const { code, stdout, stderr } = await run([NAME, '--json'])
  expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining('--format') })
  const document = JSON.parse(stdout)
  expect(document).toMatchObject({
    state: 'pulled',
    id: NAME,
    repository: NAME,
    revision: hub.shaOf(NAME),
    format: 'onnx',
    tasks: ['embed'],
    weights: WEIGHTS,
    fetchedBytes: document.totalBytes,
  })
  expect(document.files).toContainEqual({
    path: WEIGHTS,
    sizeBytes: 17_467_010,
    sha256: 'd083deab91df2ce605c560ddd4d1fc293fad91b693831b29a01a28da818fc913',
  })
})

test('--dry-run lists what would come and fetches nothing', async () => {
  const { code, stdout } = await run([NAME, '--dry-run', '--format', 'openvino-ir'])
  expect(code).toBe(0)
  expect(stdout).toMatch(
    /^would fetch someone\/sentences .*openvino_model_qint8_quantized\.bin +1\d(\.\d)? MB/s,
  )
  expect(hub.sentBytes).toBe(0)
  expect(existsSync(join(home, 'models'))).toBe(false)
})

test('--list shows the known models, with what is here', async () => {
  hub.put('BAAI/bge-small-en-v1.5', sentenceRepository())
  expect((await run(['bge-small'])).code).toBe(0)
  const { code, stdout } = await run(['--list'])
  expect(code).toBe(0)
  expect(stdout).toMatch(/^model +task +parameters +license +suits +formats +repository\n/)
  expect(stdout).toMatch(/^bge-small +embed +33 M +mit +npu igpu cpu +onnx +here +BAAI\/bge-small-en-v1\.5$/m)
  expect(stdout).toMatch(/^qwen2\.5-coder-14b +chat +14\.8 B +apache-2\.0 +dgpu igpu +gguf +Qwen\//m)
  const { models } = JSON.parse((await run(['--list', '--json'])).stdout)
  expect(models).toContainEqual(expect.objectContaining({ id: 'bge-small', pulled: true, tasks: ['embed'] }))
  expect(JSON.stringify(models)).not.toMatch(/"(size|sha)/i)
})

describe('a server that runs in this home', () => {
  /** Answers as one that is up, and to a look for models with this. */
  async function besideServer(status: number, body: object, work: () => Promise<void>): Promise<void> {
    const server = createServer(({ url }, response) => {
      const [code, answer] = url === '/health' ? [200, { status: 'ok' }] : [status, body]
      response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    writeFileSync(
      join(home, 'server.json'),
      JSON.stringify({ pid: process.pid, url: `http://127.0.0.1:${port}` }),
    )
    try {
      await work()
    } finally {
      server.closeAllConnections()
      server.close()
    }
  }

  test('is told, and whether it serves the model is said', async () => {
    const looked = { added: [NAME], removed: [], models: [NAME] }
    await besideServer(200, looked, async () =>
      expect(await run([NAME])).toMatchObject({ code: 0, stderr: expect.stringMatching(/ serves it\n$/) }),
    )
    await besideServer(200, { ...looked, models: [] }, async () =>
      expect(await run([NAME])).toMatchObject({
        code: 0,
        stderr: expect.stringMatching(
          /warning: the server at \S+ does not serve it; `tandem plan` says why\n$/,
        ),
      }),
    )
  })

  test('and cannot be told is no failure of the pull: what to do is said', async () => {
    const refusal = { error: { message: 'no such route', type: 'not_found', param: null, code: 'not_found' } }
    await besideServer(404, refusal, async () => {
      const { code, stdout, stderr } = await run([NAME])
      expect(code).toBe(0)
      expect(stdout).toMatch(/^pulled /)
      expect(stderr).toMatch(
        /does not know of it yet \(.*no such route.*\); start that again, or POST \S+\/tandem\/v1\/models\/refresh\n$/s,
      )
    })
  })
})

test('what no engine serves is warned of', async () => {
  const header = { 'general.architecture': 'bert', 'bert.context_length': 512, 'bert.pooling_type': 1 }
  const files = { 'a-q8_0.gguf': ggufFile({ ...header, 'bert.embedding_length': 384 }) }
  hub.put('someone/encoder', { files })
  const { code, stdout, stderr } = await run(['someone/encoder'])
  expect(code).toBe(0)
  expect(stderr).toBe('tandem: warning: no engine of this version serves embed from gguf files\n')
  expect(stdout).not.toContain('tandem.yaml')
})

describe('wrong use and failures', () => {
  test('several weights that would do are listed with their sizes', async () => {
    const files = { 'a-q4_k_m.gguf': ggufFile({}), 'b-q4_k_m.gguf': ggufFile({}) }
    hub.put('someone/two', { files })
    const { code, stdout, stderr } = await run(['someone/two'])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(
      /q4_k_m +24 B +a-q4_k_m\.gguf\n.*none is the obvious one; name the weights with --file/s,
    )
    expect(JSON.parse((await run(['someone/two', '--json'])).stdout)).toMatchObject({
      state: 'ambiguous',
      candidates: [{ files: ['a-q4_k_m.gguf'], sizeBytes: 24 }, {}],
    })
  })

  test.each<[string[], number, RegExp]>([
    [[], 2, /name a model\n.*--list/],
    [[NAME, '--format', 'pth'], 2, /"pth" is no format; allowed: onnx, openvino-ir, gguf/],
    [[NAME, '--hub', 'ftp://x'], 2, /--hub: hub\.url/],
    [['bge-smal'], 1, /did you mean bge-small\?/],
    [['someone/nothing'], 1, /has no someone\/nothing, or shows it to its owner's token only/],
    [[NAME, '--format', 'gguf'], 1, /no gguf files; it has onnx, openvino-ir/],
  ])('%j: exit %i', async (args, exit, says) => {
    const { code, stdout, stderr } = await run(args)
    expect({ code, stdout }).toEqual({ code: exit, stdout: '' })
    expect(stderr).toMatch(says)
    expect(stderr).not.toMatch(/^\s+at /m)
  })

  test('HF_TOKEN opens a gated repository; it is never printed', async () => {
    hub.token = 'hf-secret-token'
    hub.put(NAME, { ...sentenceRepository(), gated: true })
    expect(await run([NAME])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('accept its license'),
    })
    const { code, stdout, stderr } = await run([NAME, '--verbose'], { HF_TOKEN: hub.token })
    expect(code).toBe(0)
    expect(stdout + stderr).not.toContain(hub.token)
    const named = { TANDEM_HUB_TOKEN: 'env:MY_TOKEN', MY_TOKEN: 'another', HF_TOKEN: hub.token }
    rmSync(join(home, 'models'), { recursive: true })
    expect(await run([NAME], named)).toMatchObject({ code: 1, stderr: expect.stringContaining('is gated') })
  })
})

describe('a pull that does not end', () => {
  /** The first range of the weights comes, the others hang. */
  const hangAfterFirst = (): void => {
    hub.fault = ({ origin, range, path }) =>
      origin === 'storage' && path.endsWith(WEIGHTS) && !range?.startsWith('bytes=0-')
        ? { hangAfter: 1000 }
        : undefined
  }
  const firstRangeIsKept = (): boolean => {
    const journal = join(partial(), '.journal')
    return existsSync(journal) && readFileSync(journal, 'utf8').includes(`"${WEIGHTS}"`)
  }

  test.each(['SIGKILL', 'SIGINT'] as const)(
    '[nothing-lost] %s: the next one goes on from there',
    async (signal) => {
      hangAfterFirst()
      const { child, output, ended } = startCli(['pull', NAME], options())
      await until(firstRangeIsKept, 'the first range')
      child.kill(signal)
      expect(await ended).toBe(signal === 'SIGINT' ? 130 : 'SIGKILL')
      if (signal === 'SIGINT') expect(output.stderr).toContain('stopped; what was fetched is kept')
      expect(existsSync(join(home, 'models', 'someone--sentences'))).toBe(false)

      hub.fault = () => undefined
      const { code, stdout } = await run([NAME, '--json'])
      const { totalBytes, fetchedBytes, state } = JSON.parse(stdout)
      expect({ code, state }).toEqual({ code: 0, state: 'pulled' })
      expect(fetchedBytes).toBeLessThanOrEqual(totalBytes - 8 * 1024 * 1024)
      expect(existsSync(partial())).toBe(false)
    },
  )
})
