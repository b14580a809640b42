#!/usr/bin/env node
// From SIGKILL of the only worker of a task to its next answer, beside its cold start in the same run; with a process
// that stands by, as the server keeps one for each task that has a single placement, and without.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { PACKAGE_ROOT } from '../dist/config/index.js'
import { loadCatalogue } from '../dist/models/index.js'
import { StandbyPool, startWorker } from '../dist/workers/index.js'
import { median, report } from './lib/report.js'

const KILLS = 15
/** Longer than a life must be to count as good, and than a process needs to be ready to stand by. */
const LIFE_MS = 4_000
const COLD_STARTS = 5

const catalogue = await loadCatalogue([join(PACKAGE_ROOT, 'models')])

function optionsOf(task, id, engine, more) {
  const model = catalogue.find(id)
  const decoder = task === 'chat' ? { contextTokens: model.contextTokens, slots: 2 } : {}
  return {
    placement: { task, model: id, engine, device: 'cpu', kind: 'cpu', simulated: false },
    spec: { model, task, device: 'cpu', threads: 1, ...decoder },
    lastPlacement: true,
    limits: { standbyAfterMs: 500 },
    ...more,
  }
}

const ask = {
  embed: (worker) => worker.embed({ model: '', inputs: ['where is the queue?'], purpose: 'query' }),
  chat: (worker) =>
    worker.complete(
      { model: '', prompt: 'Hello', sampling: { maxTokens: 1, temperature: 0, stop: [] } },
      () => {},
    ),
}

async function answer(worker, task) {
  await worker.ready()
  await ask[task](worker)
}

async function coldStarts(task, options) {
  const times = []
  for (let i = 0; i < COLD_STARTS; i++) {
    const started = performance.now()
    const worker = startWorker(options)
    await answer(worker, task)
    times.push(performance.now() - started)
    await worker.stop(1000)
  }
  return median(times)
}

/** @returns milliseconds from the kill to the next answer */
async function kill(worker, task) {
  const lost = new Promise((resolve) => {
    const off = worker.onEvent(({ state }) => {
      if (state === 'ready') return
      off()
      resolve()
    })
  })
  const started = performance.now()
  process.kill(worker.info.pid, 'SIGKILL')
  await lost
  await answer(worker, task)
  return performance.now() - started
}

async function recoveries(task, options) {
  const worker = startWorker(options)
  try {
    await answer(worker, task)
    const times = []
    for (let i = 0; i < KILLS; i++) {
      await sleep(LIFE_MS)
      times.push(await kill(worker, task))
    }
    await sleep(LIFE_MS)
    return { ms: median(times), times }
  } finally {
    await worker.stop(1000)
  }
}

/** What the process that stands by takes: its own memory, without what it shares with others. */
async function standbyMiB(options) {
  const pool = new StandbyPool()
  const before = new Set(children())
  const { env = {}, spec, placement } = options
  const process_ = { env, outputChars: 1, background: false }
  pool.keep('bench', process_, { engine: placement.engine, spec })
  await sleep(LIFE_MS)
  const [pid] = children().filter((each) => !before.has(each))
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  const kib = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(rollup)[1])
  pool.leave('bench')
  return (kib('Private_Clean') + kib('Private_Dirty')) / 1024
}

function children() {
  const text = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim()
  return text === '' ? [] : text.split(' ').map(Number)
}

const figures = []
const MODELS = [
  ['embed', 'tandem-embed-small', 'onnxruntime'],
  ['chat', 'tandem-tiny-chat', 'llama.cpp'],
]
for (const [task, id, engine] of MODELS) {
  const plain = optionsOf(task, id, engine)
  const cold = await coldStarts(task, plain)
  const without = await recoveries(task, plain)
  const withOne = await recoveries(task, { ...plain, standbys: new StandbyPool() })
  figures.push(
    { what: `${task}: cold start to the first answer`, value: cold, unit: 'ms' },
    { what: `${task}: kill to the next answer, no standby`, value: without.ms, unit: 'ms' },
    { what: `${task}: kill to the next answer`, value: withOne.ms, unit: 'ms', target: 500, better: 'less' },
    { what: `${task}: the same / cold start`, value: withOne.ms / cold, unit: '' },
  )
  if (process.platform === 'linux')
    figures.push({ what: `${task}: memory of the standby`, value: await standbyMiB(plain), unit: 'MiB' })
}
report('recovery', figures)
