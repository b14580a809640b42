import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { FakeServer } from './fake-server.ts'
import { runCli } from './run-cli.ts'

let home: string
let server: FakeServer
beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'tandem-cli-'))
  server = new FakeServer()
  await server.listen()
  const startedAt = new Date().toISOString()
  writeFileSync(join(home, 'server.json'), JSON.stringify({ pid: process.pid, url: server.url, startedAt }))
})
afterEach(async () => {
  await server.close()
  rmSync(home, { recursive: true, force: true })
})

const run = (args: readonly string[], more: { env?: Record<string, string>; stdin?: string } = {}) =>
  runCli(args, { cwd: home, home, ...more })
const bodyOf = (path: string) => server.received.find((request) => request.path === path)?.body

test('rerank prints the best document first, and says what was cut and what fell back', async () => {
  const { code, stdout, stderr } = await run(['rerank', 'which one', 'short', '-', '--top', '2'], {
    stdin: 'two\nlines, quite long',
  })
  expect(code).toBe(0)
  expect(stdout).toBe('2.  0.210  two lines, quite long\n1.  0.050  short\n')
  expect(stderr).toBe(
    'tandem: fell back: openvino on gpu0 is busy\ntandem: document 2 is longer than the model reads and was cut\n' +
      'tandem: a-reranker on npu0 (openvino)\n',
  )
  expect(bodyOf('/v1/rerank')).toEqual({
    query: 'which one',
    documents: ['short', 'two\nlines, quite long'],
    top_n: 2,
  })
})

test('rerank --json', async () => {
  const { code, stdout } = await run(['rerank', 'q', 'a', 'bb', '--model', 'other', '--json'])
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toEqual({
    model: 'a-reranker',
    engine: 'openvino',
    device: 'npu0',
    results: [
      { index: 1, relevance_score: 0.02 },
      { index: 0, relevance_score: 0.01 },
    ],
    truncated: [1],
  })
  expect(bodyOf('/v1/rerank')).toMatchObject({ model: 'other', top_n: 10 })
})

test('classify prints the labels of each text; they cannot move the cursor', async () => {
  const { code, stdout, stderr } = await run(['classify', 'one', '-'], { stdin: 'two' })
  expect({ code, stderr }).toEqual({ code: 0, stderr: 'tandem: a-classifier on cpu (onnxruntime)\n' })
  expect(stdout.split('\n').slice(0, 3)).toEqual([
    '1.  bug           0.750',
    '    que\ufffd[2Jstion  0.250',
    '2.  bug           0.750',
  ])
  expect(bodyOf('/tandem/v1/classify')).toEqual({ input: ['one', 'two'], top_k: 5 })
})

test('classify --json', async () => {
  const { stdout } = await run(['classify', 'one', '--model', 'm', '--top', '1', '--json'])
  expect(JSON.parse(stdout)).toMatchObject({
    model: 'a-classifier',
    engine: 'onnxruntime',
    device: 'cpu',
    results: [{ index: 0, labels: [{ label: 'bug', score: 0.75 }, {}] }],
  })
  expect(bodyOf('/tandem/v1/classify')).toEqual({ model: 'm', input: ['one'], top_k: 1 })
})

test.each([
  ['rerank', ['rerank', 'q', 'a']],
  ['classify', ['classify', 'a']],
])('%s starts a server for its task alone where none runs', async (task, args) => {
  rmSync(join(home, 'server.json'))
  const env = { FAKE_URL: server.url, FAKE_LOG: join(home, 'log') }
  expect((await run(args, { env })).code).toBe(0)
  const [start] = readFileSync(join(home, 'log'), 'utf8').split('\n')
  expect(JSON.parse(start!)).toMatchObject({ event: 'start', tasks: [task] })
})

test.each([
  [['rerank', ' ', 'a'], 'the query is empty'],
  [['rerank', 'q'], "missing required argument 'document'"],
  [['classify'], "missing required argument 'text'"],
  [['classify', '-', '-'], 'standard input can be read only once'],
  [['rerank', 'q', 'a', '--top', '0'], 'an integer from 1 to'],
])('%j is wrong use', async (args, says) => {
  const { code, stderr } = await run(args)
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(says) })
})

test('no model for the task: what to do', async () => {
  const message = 'no model here does classify; get one with `tandem pull`'
  server.faults.set('/tandem/v1/classify', { status: 404, code: 'no_model_for_task', message })
  const { code, stderr } = await run(['classify', 'a'])
  expect(code).toBe(1)
  expect(stderr).toBe(`tandem: ${message}\nhint: \`tandem models\` lists the models and what each does\n`)
})
