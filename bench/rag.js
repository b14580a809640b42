#!/usr/bin/env node
// Questions about a project from N users at once (search, then a chat that reads what was found) while an index runs beside them:
// as Tandem serves them, against the serial arrangement in which one device works at a time, and against all models on one device.
//   node bench/rag.js [--machine PROFILE|real] [--users 1,2,4,8] [--questions 3]
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { indexProject } from './lib/indexed.js'
import { report } from './lib/report.js'
import { call, callLean, startServer } from './lib/server.js'
import { writeTree } from './lib/tree.js'

const MACHINES = ['core-ultra-265k-b580', 'real']
const CHUNKS = 400
/** Texts of one request of the index that runs beside. */
const BULK = 64
const MAX_TOKENS = 48
const TARGET = 1.8
/** Users of the row that has the target. */
const TARGET_USERS = 4

const { values } = parseArgs({
  options: {
    machine: { type: 'string', multiple: true, default: MACHINES },
    users: { type: 'string', default: '1,2,4,8' },
    questions: { type: 'string', default: '3' },
  },
})
const userCounts = values.users.split(',').map(Number)
const questions = Number(values.questions)
if (![...userCounts, questions].every((count) => Number.isInteger(count) && count >= 1 && count <= 64)) {
  console.error('--users takes integers from 1 to 64 with commas between them, --questions one of them')
  process.exit(2)
}

/** Runs one after the other, in the order of their arrival. */
function oneAtATime() {
  let last = Promise.resolve()
  return (work) => {
    const mine = last.then(work)
    last = mine.catch(() => {})
    return mine
  }
}
const allAtOnce = (work) => work()

/** One server with the project in its index. */
async function open(machine, tree, pins = {}) {
  const simulated = machine === 'real' ? [] : ['--simulate', machine]
  const env = Object.fromEntries(
    Object.entries(pins).map(([task, place]) => [`TANDEM_PLACEMENT_${task.toUpperCase()}`, place]),
  )
  const server = await startServer(simulated, env)
  try {
    const { tasks } = await call(`${server.url}/tandem/v1/plan`)
    await indexProject(server.url, tree, 'tree')
    return { ...server, embed: tasks.embed[0], chat: tasks.chat[0] }
  } catch (thrown) {
    await server.stop()
    throw thrown
  }
}

/**
 * @param {(work: () => Promise<void>) => Promise<void>} turn who may work, and when
 * @param {readonly string[]} texts what the index beside embeds
 * @returns questions that were answered, and texts of the index that were embedded, in a second
 */
async function measure(server, users, turn, texts) {
  let answering = true
  let embedded = 0
  const index = async () => {
    for (let at = 0; answering; at += BULK) {
      const input = Array.from({ length: BULK }, (_, i) => texts[(at + i) % texts.length])
      await turn(() => callLean(`${server.url}/v1/embeddings`, { model: server.embed.model, input }))
      if (answering) embedded += BULK
    }
  }
  const user = async (name) => {
    for (let nth = 0; nth < questions; nth++) {
      const query = `how does user ${name} cancel request ${nth} of a compilation`
      await turn(() => callLean(`${server.url}/tandem/v1/search`, { query, project: 'tree' }))
      const messages = [{ role: 'user', content: query }]
      const body = { model: server.chat.model, messages, max_tokens: MAX_TOKENS, tandem: { project: 'tree' } }
      await turn(() => callLean(`${server.url}/v1/chat/completions`, body))
    }
  }
  const startedMs = performance.now()
  const indexing = index()
  await Promise.all(Array.from({ length: users }, (_, name) => user(name)))
  const seconds = (performance.now() - startedMs) / 1000
  answering = false
  await indexing
  return { perSecond: (users * questions) / seconds, docsPerSecond: embedded / seconds }
}

async function measureMachine(machine, tree, texts) {
  const label = machine === 'real' ? 'this machine' : `${machine}, simulated`
  const rows = []
  const results = new Map()
  const add = (users, arrangement, { perSecond, docsPerSecond }, note = '') => {
    results.set(`${users} ${arrangement}`, perSecond)
    const what = `${label}: ${users} ${users === 1 ? 'user' : 'users'}, ${arrangement}`
    rows.push({
      what,
      value: perSecond,
      unit: 'questions/s',
      note: `index ${docsPerSecond.toFixed(0)} docs/s${note}`,
    })
  }
  const server = await open(machine, tree)
  const { embed, chat } = server
  try {
    await measure(server, 1, allAtOnce, texts) // shaders, caches
    for (const users of userCounts) {
      add(users, 'one device at a time', await measure(server, users, oneAtATime(), texts))
      const where = `; ${chat.engine} on ${chat.device}, ${embed.engine} on ${embed.device}`
      add(users, 'Tandem', await measure(server, users, allAtOnce, texts), where)
    }
  } finally {
    await server.stop()
  }
  if (chat.device !== embed.device) {
    const single = await open(machine, tree, { embed: `openvino@${chat.device}` })
    try {
      for (const users of userCounts)
        add(users, `all on ${chat.device}`, await measure(single, users, allAtOnce, texts))
    } finally {
      await single.stop()
    }
  }
  for (const users of userCounts)
    rows.push({
      what: `${label}: ${users} ${users === 1 ? 'user' : 'users'}, Tandem / one device at a time`,
      value: results.get(`${users} Tandem`) / results.get(`${users} one device at a time`),
      unit: '',
      // the real machine gives what it has: with one device nothing can run beside
      ...(machine !== 'real' && users >= TARGET_USERS ? { target: TARGET } : {}),
    })
  return rows
}

const tree = mkdtempSync(join(tmpdir(), 'tandem-tree-'))
try {
  const { texts } = writeTree(tree, CHUNKS)
  const rows = []
  for (const machine of values.machine) rows.push(...(await measureMachine(machine, tree, texts)))
  report('rag', rows)
} finally {
  rmSync(tree, { recursive: true, force: true })
}
