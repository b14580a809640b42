/** A real Ollama for the long suite: its global setup looks where it is, or says why there is none. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { CHAT_GGUF, freePort } from './llama-server.ts'
import { describeWith, foundForTests } from './needs.ts'

const START_MS = 240_000
const STOP_MS = 3_000
const CREATE_MS = 240_000

export const describeOllama = describeWith('OLLAMA', 'Ollama')

/** The shipped chat model with its own template, which Ollama does not take from the file. */
export const CHAT_MODELFILE = `FROM ${CHAT_GGUF}
TEMPLATE """{{ range .Messages }}<|im_start|>{{ .Role }}
{{ .Content }}<|im_end|>
{{ end }}<|im_start|>assistant
"""
PARAMETER stop <|im_end|>
`

export interface TestOllama {
  readonly url: string
  readonly port: number
  /** Makes a model as `ollama create` does. */
  create(name: string, modelfile: string): Promise<void>
  /** Names of what it has in memory. */
  loaded(): Promise<readonly string[]>
  /** Ends it as a crash does. */
  kill(): Promise<void>
  /** Starts it again on the same port, with the models that it had. */
  restart(): Promise<void>
  stop(): Promise<void>
}

export async function startOllama(): Promise<TestOllama> {
  const program = foundForTests('OLLAMA')!
  const home = await mkdtemp(join(tmpdir(), 'tandem-ollama-'))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const env = {
    ...process.env,
    HOME: home,
    OLLAMA_HOST: `127.0.0.1:${port}`,
    OLLAMA_MODELS: join(home, 'models'),
  }
  let child = await start()

  async function start() {
    // a group of its own: its runners live on when it crashes
    const started = spawn(program, ['serve'], { stdio: 'ignore', env, detached: true })
    for (const endsMs = Date.now() + START_MS; Date.now() < endsMs; await sleep(50)) {
      if (started.exitCode !== null) throw new Error(`ollama ended with ${started.exitCode}`)
      const answer = await fetch(`${url}/api/version`).catch(() => undefined)
      if (answer?.ok) return started
    }
    started.kill('SIGKILL')
    throw new Error(`ollama was not ready within ${START_MS} ms`)
  }

  async function end(signal: NodeJS.Signals) {
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit')
      child.kill(signal)
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
      await exited
      clearTimeout(timer)
    }
    try {
      process.kill(-child.pid!, 'SIGKILL')
    } catch {
      // no runner is left
    }
  }

  return {
    url,
    port,
    create: async (name, modelfile) => {
      const file = join(home, 'Modelfile')
      await writeFile(file, modelfile)
      await promisify(execFile)(program, ['create', name, '-f', file], { env, timeout: CREATE_MS })
    },
    loaded: async () => {
      const { models } = (await (await fetch(`${url}/api/ps`)).json()) as { models: { name: string }[] }
      return models.map(({ name }) => name)
    },
    kill: () => end('SIGKILL'),
    restart: async () => {
      await end('SIGKILL')
      child = await start()
    },
    stop: async () => {
      await end('SIGTERM')
      await rm(home, { recursive: true, force: true })
    },
  }
}
