#!/usr/bin/env node
import { ENGINES } from '../dist/engines/index.js'
// How long one plan takes: 8 devices, 20 models, everything measured, every pair of first placements with its interference.
import { makePlan, policyNamed, possiblePlacements } from '../dist/placement/index.js'
import { median, report } from './lib/report.js'

const GIB = 2 ** 30
const PLANS = 200

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

const model = (task, at) => {
  const sizeBytes = (task === 'chat' ? 2 + at : 0.1 * (1 + at)) * GIB
  const file = [{ path: 'file', sizeBytes, sha256: '' }]
  const files = task === 'chat' ? { gguf: file } : { onnx: file, 'openvino-ir': file }
  const id = `${task}-${at}`
  const facts = { title: id, revision: '1', license: '', contextTokens: 8192, folder: '/', fingerprint: id }
  return { task, model: { id, ...facts, tasks: [task], parameters: sizeBytes * 1.7, files } }
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

const rows = ['performance', 'development', 'economy'].map((name) => {
  const input = { ...measured, interference, policy: policyNamed(name) }
  for (let warm = 0; warm < 50; warm++) makePlan(input)
  const times = Array.from({ length: PLANS }, () => {
    const start = process.hrtime.bigint()
    makePlan(input)
    return Number(process.hrtime.bigint() - start) / 1e6
  })
  return { what: `one plan, ${name}`, value: median(times), unit: 'ms', target: 5, better: 'less' }
})
const note = `${devices.length} devices, ${models.length} models, ${candidates.length} possible placements, ${interference.length} pairs`
report(
  'planner',
  rows.map((row) => ({ ...row, note })),
)
