/** A chat on a real llama-server of our own that dies: what nothing can go on with waits for nothing. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { CHAT_GGUF, describeLlamaServer } from '../../test/support/llama-server.ts'
import { foundForTests } from '../../test/support/needs.ts'
import { tinyChatModel } from '../../test/support/tiny-chat.ts'
import type { ChatRequest } from '../domain/index.ts'
import type { Worker, WorkerEvent, WorkerOptions } from '../workers/index.ts'
import { failure, interactive, serve } from './serving.suite.ts'

const logs = mkdtempSync(join(tmpdir(), 'tandem-managed-chat-'))
afterAll(() => rmSync(logs, { recursive: true, force: true }))

const sha256 = createHash('sha256').update(readFileSync(CHAT_GGUF)).digest('hex')
const model = tinyChatModel({
  id: 'chat',
  files: { gguf: [{ path: basename(CHAT_GGUF), sizeBytes: statSync(CHAT_GGUF).size, sha256 }] },
  chat: { groundedOnly: false },
  fingerprint: sha256,
})

const options: WorkerOptions = {
  placement: { task: 'chat', model: 'chat', engine: 'openai', device: 'cpu', kind: 'cpu', simulated: false },
  spec: {
    model,
    task: 'chat',
    device: 'cpu',
    threads: 1,
    contextTokens: 2048,
    slots: 1,
    settings: { managed: { binary: foundForTests('LLAMA_SERVER') ?? '', args: [], logs } },
  },
}

/** So hot that it hardly ever ends by itself. */
const asked: ChatRequest = {
  model: 'chat',
  messages: [{ role: 'user', content: 'What does the queue do when it is full?' }],
  sampling: { stop: [], temperature: 5, topK: 0, topP: 1, minP: 0, seed: 1, maxTokens: 1000 },
  responseFormat: { type: 'text' },
  tools: [{ name: 'look_up', parameters: { type: 'object' } }],
  toolChoice: 'auto',
}

/** The process that a worker's process has started. */
function serverOf(worker: Worker): number {
  const lines = execFileSync('ps', ['-e', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n')
  const [pid] = lines
    .map((line) => line.trim().split(/\s+/).map(Number))
    .find(([, parent]) => parent === worker.info?.pid)!
  return pid!
}

describeLlamaServer('a chat with tools whose llama-server is killed', () => {
  test('[failure-domains] ends at once with the reason, where no other can go on with it', async () => {
    const { serving, workers } = serve([options], { queue: { maxWaitMs: 3_600_000 } })
    const [worker] = workers as [Worker]
    await worker.ready()
    const server = serverOf(worker)
    const seen: string[] = []
    const events: WorkerEvent[] = []
    worker.onEvent((event) => events.push(event))
    const error = await failure(
      serving.chat(asked, interactive, (delta) => {
        if (seen.length === 0) process.kill(server, 'SIGKILL')
        seen.push(delta.type === 'text' ? delta.text : '')
      }),
    )
    expect(seen.join('')).not.toBe('')
    expect(error.message).toMatch(/SIGKILL/)
    expect(worker.state).not.toBe('ready')
    // of no other system is it known whether it lacked memory
    if (process.platform === 'linux') expect(events[0]).toMatchObject({ state: 'restarting', killed: true })
  })
})
