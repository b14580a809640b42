#!/usr/bin/env node
// Memory that workers really take (resident, Linux only) against what placement expects of them.
import { readFileSync } from 'node:fs'
import { freemem } from 'node:os'
import { join } from 'node:path'
import { PACKAGE_ROOT } from '../dist/config/index.js'
import { ENGINES } from '../dist/engines/index.js'
import { loadCatalogue, readModelShape } from '../dist/models/index.js'
import { fit as fitModel } from '../dist/placement/index.js'
import { startWorker } from '../dist/workers/index.js'
import { openVinoLibrary } from './lib/openvino.js'
import { report } from './lib/report.js'

const MIB = 2 ** 20
const LONG = 'a word that is read '.repeat(200)

if (process.platform !== 'linux') {
  console.error('bench/memory.js reads /proc: it runs on Linux only')
  process.exit(0)
}
const folders = ['models', join('test', 'data', 'models')].map((name) => join(PACKAGE_ROOT, name))
const catalogue = await loadCatalogue(folders)

/** Resident bytes of a process, now and at most so far. */
function resident(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const bytes = (key) => Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024
  return { now: bytes('VmRSS'), most: bytes('VmHWM') }
}

async function measure(engineId, task, id, load = {}) {
  const model = catalogue.find(id)
  const engine = ENGINES.find((each) => each.id === engineId)
  const device = engineId === 'openvino' ? 'CPU' : 'cpu'
  const worker = startWorker({
    placement: { task, model: id, engine: engineId, device, kind: 'cpu', simulated: false },
    spec: { model, task, device, threads: 1, ...load },
  })
  const { pid } = await worker.ready()
  const { now } = resident(pid)
  const inputs = [LONG, ...Array.from({ length: 32 }, () => 'a short text')]
  if (task === 'embed') await worker.embed({ model: id, inputs, purpose: 'passage' })
  if (task === 'rerank')
    await worker.score({ model: id, inputs: inputs.map((text) => ({ query: 'a word', text })) })
  const { most } = resident(pid)
  await worker.stop(2000)
  const free = freemem()
  const shape = await readModelShape(
    model,
    engine.formats.find((format) => model.files[format]),
  )
  const cpu = { id: 'cpu', kind: 'cpu', name: 'cpu', engines: {}, simulated: false }
  const found = fitModel({
    task,
    model,
    shape,
    engine,
    device: cpu,
    freeBytes: free,
    hostFreeBytes: free,
    ...load,
  })
  if (!found.fits) throw new Error(found.reason)
  const expected = found.need.hostBytes
  const what = `${engineId} ${id}`
  return [
    { what: `${what}: ready`, value: now / MIB, unit: 'MiB' },
    {
      what: `${what}: at most`,
      value: most / MIB,
      unit: 'MiB',
      note: `expected ${(expected / MIB).toFixed(0)} MiB`,
    },
    { what: `${what}: expected / at most`, value: expected / most, unit: '', target: 0.85 },
  ]
}

const library = { settings: { library: await openVinoLibrary() } }
report('memory', [
  ...(await measure('onnxruntime', 'rerank', 'tiny-reranker')),
  ...(await measure('onnxruntime', 'embed', 'tandem-embed-small')),
  ...(await measure('openvino', 'rerank', 'tiny-reranker', library)),
  ...(await measure('openvino', 'embed', 'tandem-embed-small', library)),
  ...(await measure('llama.cpp', 'chat', 'tandem-tiny-chat', { contextTokens: 512, slots: 1 })),
  ...(await measure('llama.cpp', 'chat', 'tandem-tiny-chat', { contextTokens: 2048, slots: 4 })),
])
