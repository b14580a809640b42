/** A real llama-server for tests: the global setup looks where it is, or says why there is none. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { PACKAGE_ROOT } from '../../src/config/index.ts'
import { describeWith, foundForTests } from './needs.ts'

const program = foundForTests('LLAMA_SERVER')

/** The shipped chat model: Tandem's own llama.cpp serves the same file. */
export const CHAT_GGUF = join(PACKAGE_ROOT, 'models', 'tandem-tiny-chat', 'tandem-tiny-chat-Q8_0.gguf')

const START_MS = 240_000
const STOP_MS = 3_000

export const describeLlamaServer = describeWith('LLAMA_SERVER', 'llama-server')

export interface TestLlamaServer {
  readonly url: string
  readonly port: number
  /** Of the process that it is now. */
  readonly pid: () => number
  /** Ends it as a crash does. */
  kill(): Promise<void>
  /** Starts it again on the same port. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/**
 * Starts a llama-server on one thread with two slots, and waits until it has loaded.
 * @param args further ones, which win
 */
export async function startLlamaServer(args: readonly string[] = []): Promise<TestLlamaServer> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  let child = await start()

  async function start() {
    const base = ['-m', CHAT_GGUF, '-t', '1', '-np', '2', '-c', '4096', '--host', '127.0.0.1']
    const started = spawn(program!, [...base, '--port', String(port), ...args], { stdio: 'ignore' })
    for (const endsMs = Date.now() + START_MS; Date.now() < endsMs; await sleep(50)) {
      if (started.exitCode !== null) throw new Error(`llama-server ended with ${started.exitCode}`)
      const answer = await fetch(`${url}/health`).catch(() => undefined)
      if (answer?.ok) return started
    }
    started.kill('SIGKILL')
    throw new Error(`llama-server was not ready within ${START_MS} ms`)
  }

  async function end(signal: NodeJS.Signals) {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill(signal)
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS) // it has been seen to hang
    await exited
    clearTimeout(timer)
  }

  return {
    url,
    port,
    pid: () => child.pid!,
    kill: () => end('SIGKILL'),
    restart: async () => {
      await end('SIGKILL')
      child = await start()
    },
    stop: () => end('SIGTERM'),
  }
}

/** Ports that no system hands out by itself: one of them stays free while its server is away. */
const PORTS = [20_000, 32_000] as const

export async function freePort(): Promise<number> {
  for (;;) {
    const [least, most] = PORTS
    const port = least + Math.floor(Math.random() * (most - least))
    const server = createServer().listen(port, '127.0.0.1')
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false, // somebody has it
    )
    if (!isFree) continue
    server.close()
    await once(server, 'close')
    return port
  }
}
