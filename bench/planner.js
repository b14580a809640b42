#!/usr/bin/env node
// How long one plan takes: 8 devices, 20 models, everything measured, every pair of first placements with its interference.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PACKAGE_ROOT } from '../dist/config/index.js'
import { ENGINES } from '../dist/engines/index.js'
import { shapeOfSpec } from '../dist/models/index.js'
import { makePlan, policyNamed, possiblePlacements } from '../dist/placement/index.js'
import { median, report } from './lib/report.js'

const GIB = 2 ** 30
const PLANS = 200
const WARM_UP = 100

const device = (id, kind, memoryGiB, engines) => ({
  id,
  kind,
  name: `Device ${id}`,
  memoryBytes: memoryGiB * GIB,
  engines,
  simulated: false,
  ...(kind === 'cpu' ? { cores: 20 } : {}),
  ...(kind === 'npu' || kind === 'igpu' ? { sharedMemory: true } : {}),
})
const gpu = (at, kind) =>
  device(`gpu${at}`, kind, kind === 'dgpu' ? 24 : 32, { openvino: `GPU.${at}`, 'llama.cpp': `Vulkan${at}` })
const devices = [
  device('cpu', 'cpu', 128, { onnxruntime: 'cpu', 'llama.cpp': 'cpu', openvino: 'CPU' }),
  device('npu0', 'npu', 32, { openvino: 'NPU' }),
  gpu(0, 'igpu'),
  ...[1, 2, 3, 4, 5].map((at) => gpu(at, 'dgpu')),
]

/** Sizes from 1.5 to 32 billion parameters: some fit a card as they are, some with less, some nowhere. */
const CHAT = [
  'Qwen2.5-Coder-1.5B-Instruct',
  'Qwen2.5-Coder-7B-Instruct',
  'Qwen2.5-Coder-14B-Instruct',
  'Qwen3-Coder-30B-A3B-Instruct',
  'Qwen2.5-Coder-32B-Instruct',
]
const table = join(PACKAGE_ROOT, 'test', 'data', 'published-models.json')
const published = JSON.parse(readFileSync(table, 'utf8'))

const encoder = (at) => {
  const sizes = { layers: 12, hidden: 384 * (1 + at), feedForward: 1536 * (1 + at), heads: 12 }
  const parameters = 33e6 * (1 + at) ** 2
  return {
    shape: { kind: 'encoder', parameters, weightBytes: parameters, weightBits: 8, ...sizes },
    parameters,
  }
}
const decoder = (at) => {
  const { spec, files } = published.find((each) => each.model === CHAT[at])
  const shape = shapeOfSpec(spec, files[0].recipe)
  return { shape, parameters: shape.parameters, sizeBytes: files[0].bytes }
}
const model = (task, at) => {
  const { shape, parameters, sizeBytes = parameters } = task === 'chat' ? decoder(at) : encoder(at)
  const file = [{ path: 'file', sizeBytes, sha256: '' }]
  const files = task === 'chat' ? { gguf: file } : { onnx: file, 'openvino-ir': file }
  const id = `${task}-${at}`
  const facts = { title: id, revision: '1', license: '', folder: '/', fingerprint: id }
  const contextTokens = task === 'chat' ? 32_768 : 512
  return { task, model: { id, ...facts, tasks: [task], parameters, contextTokens, files }, shape }
}
const models = ['chat', 'embed', 'rerank', 'classify'].flatMap((task) =>
  [0, 1, 2, 3, 4].map((at) => model(task, at)),
)

const blank = { devices, engines: ENGINES, models }
const { candidates } = possiblePlacements({ ...blank, policy: policyNamed('development') })
const refOf = ({ task, model, engine, device }) => ({ task, model, engine, device })
const measurements = candidates.map((candidate, at) => ({
  ...refOf(candidate),
  from: 'measured',
  watts: 5 + (at % 90),
  ...(candidate.task === 'chat'
    ? { decoder: { decodeTokensPerSecond: 5 + (at % 50), promptTokensPerSecond: 500 } }
    : { encoder: { textsPerSecond: 50 + (at % 300), buckets: [{ tokens: 128, batch: 1, msPerText: 5 }] } }),
}))
const measured = { ...blank, measurements }
const firsts = Object.values(makePlan({ ...measured, policy: policyNamed('development') }).tasks)
  .flat()
  .filter(({ role }) => role === 'primary')
const interference = firsts.flatMap((first, at) =>
  firsts.slice(at + 1).map((second) => ({
    first: refOf(first),
    second: refOf(second),
    firstKeeps: 0.9,
    secondKeeps: 0.8,
  })),
)

const POLICIES = ['performance', 'development', 'economy']
const runs = POLICIES.map((name) => ({
  name,
  input: { ...measured, interference, policy: policyNamed(name) },
  times: [],
}))
// in turn, so that all find the same machine
for (let round = -WARM_UP; round < PLANS; round++)
  for (const { input, times } of runs) {
    const start = process.hrtime.bigint()
    makePlan(input)
    if (round >= 0) times.push(Number(process.hrtime.bigint() - start) / 1e6)
  }
const rows = runs.map(({ name, times }) => {
  return { what: `one plan, ${name}`, value: median(times), unit: 'ms', target: 5, better: 'less' }
})
const note = `${devices.length} devices, ${models.length} models, ${candidates.length} possible placements, ${interference.length} pairs`
report(
  'planner',
  rows.map((row) => ({ ...row, note })),
)
