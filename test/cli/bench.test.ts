import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { CalibrationReport } from '../../src/calibration/index.ts'
import { tandem } from '../support/cli.ts'
import { runCli, startCli, until } from './run-cli.ts'

let home: string
let log: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'tandem-bench-'))
  log = join(home, 'log.jsonl')
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

const ref = (engine: 'onnxruntime' | 'openvino', device: string) =>
  ({ task: 'embed', model: 'small', engine, device }) as const
const encoder = (textsPerSecond: number, msPerText: number) => ({
  textsPerSecond,
  buckets: [{ tokens: 128, batch: 1, msPerText }],
})
const fast = {
  ...ref('openvino', 'npu0'),
  from: 'measured',
  loadMs: 1500,
  encoder: encoder(400, 4.5),
} as const
const slow = {
  ...ref('onnxruntime', 'cpu'),
  from: 'measured',
  loadMs: 300,
  hostBytes: 200e6,
  encoder: encoder(100, 12),
} as const
const broken = { ...ref('openvino', 'gpu0'), from: 'measured', failed: 'the driver is lost' } as const
const interference = {
  first: ref('openvino', 'npu0'),
  second: ref('onnxruntime', 'cpu'),
  firstKeeps: 0.97,
  secondKeeps: 0.5,
}

const report: CalibrationReport = {
  measured: [broken, slow, fast],
  interference: [interference],
  fresh: [ref('openvino', 'npu0')],
  seconds: 3.21,
}
const progress = [
  { done: 0, total: 2, placement: ref('openvino', 'npu0') },
  { done: 1, total: 2, placement: ref('openvino', 'npu0'), figure: fast },
  { done: 2, total: 2, placement: ref('openvino', 'gpu0'), figure: broken },
]

const run = (args: readonly string[], calibration: object) =>
  runCli(['bench', 'devices', ...args], {
    cwd: home,
    home,
    env: { FAKE_CALIBRATION: JSON.stringify(calibration), FAKE_LOG: log },
  })
const noted = () =>
  (existsSync(log) ? readFileSync(log, 'utf8') : '')
    .trim()
    .split('\n')
    .map((l) => JSON.parse(l))

test('a line for each that is finished, and a table against the fastest', async () => {
  const { code, stdout, stderr } = await run([], { progress, report, warning: 'the file is damaged' })
  expect(code).toBe(0)
  expect(stdout).toBe(
    [
      'task   model  engine       device  speed        one                   load   memory  of the fastest',
      'embed  small  openvino     npu0    400 texts/s  4.50 ms (128 tokens)  1.5 s          100 %',
      'embed  small  onnxruntime  cpu     100 texts/s  12.0 ms (128 tokens)  0.3 s  200 MB  25 %',
      `embed  small  openvino     gpu0    ${' '.repeat(50)}does not run: the driver is lost`,
      '',
      'at the same time',
      'embed by openvino on npu0 keeps 97 %  embed by onnxruntime on cpu keeps 50 %',
      '',
      '3 placements, 1 measured now: 3 s',
      '',
    ].join('\n'),
  )
  expect(stderr).toBe(
    [
      'tandem: the file is damaged',
      'tandem: embed small by openvino on npu0: 400 texts/s, 4.50 ms (128 tokens)',
      'tandem: embed small by openvino on gpu0: the driver is lost',
      '',
    ].join('\n'),
  )
  expect(noted()).toEqual([{ event: 'calibrate', again: false, budgetMs: 3000 }])
})

test('--json, --task, --again and --budget', async () => {
  const args = ['--json', '--task', 'embed', '--task', 'chat', '--again', '--budget', '500']
  const { code, stdout } = await run(args, { report })
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toEqual({
    seconds: 3.2,
    measuredNow: report.fresh,
    placements: report.measured,
    interference: report.interference,
  })
  expect(noted()).toEqual([{ event: 'calibrate', tasks: ['embed', 'chat'], again: true, budgetMs: 500 }])
})

test('an unknown task is wrong use', async () => {
  const { code, stderr } = await run(['--task', 'paint'], { report })
  expect(code).toBe(2)
  expect(stderr).toContain('there is no task "paint"; allowed: chat, embed, rerank, classify')
})

test('nothing runs: it fails and says where to look', async () => {
  const { code, stderr } = await run([], { report: { ...report, measured: [broken], interference: [] } })
  expect(code).toBe(1)
  expect(stderr).toContain('nothing runs here that could be measured')
})

test('Ctrl-C ends it', async () => {
  const { child, ended } = startCli(['bench', 'devices'], {
    cwd: home,
    home,
    env: { FAKE_CALIBRATION: JSON.stringify({ progress }), FAKE_LOG: log },
  })
  await until(() => existsSync(log), 'it measures')
  child.kill('SIGINT')
  expect(await ended).toBe(130)
  expect(noted().at(-1)).toEqual({ event: 'aborted' })
})

test('[measured-placement] the real one measures the shipped embedding model, and knows it the second time', async () => {
  const args = ['bench', 'devices', '--task', 'embed', '--budget', '1500', '--json']
  const env = { PATH: process.env['PATH'] ?? '' }
  const first = await tandem(args, { home, env })
  expect({ code: first.code, stderr: first.stderr }).toMatchObject({ code: 0 })
  const document = JSON.parse(first.stdout)
  expect(document.measuredNow).toContainEqual({
    task: 'embed',
    model: 'tandem-embed-small',
    engine: 'onnxruntime',
    device: 'cpu',
  })
  const second = await tandem(args, { home, env })
  expect(JSON.parse(second.stdout)).toMatchObject({ measuredNow: [], placements: document.placements })
})
