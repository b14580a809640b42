import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { RESERVED_VARIABLES } from '../../../config/index.ts'
import type { OnLoadProgress } from '../../contract.ts'
import { ask } from '../http/transport.ts'
import { libraryPath } from './ask.ts'
import { PROMPT_CACHE_MIB } from './descriptor.ts'
import { type Failure, failureOf } from './failure.ts'
import type { LogFile } from './log-file.ts'
import { StateLines, TELL_STATE } from './state-lines.ts'

/** Less than a worker may take to start: so the reason is this one. */
const UP_MS = 110_000
const LOOK_MS = 25
const HEAD_MS = 5_000
/** A server has been seen to hang on SIGTERM. */
const TERM_MS = 700
/** Characters of its last output, for the reason of its end. */
const TAIL = 16_384
/** Another program may take a free port first. */
const MOST_PORTS = 3

export interface StartOptions {
  readonly binary: string
  readonly args: readonly string[]
  readonly port: number
  /** Asked for by the server of everybody but us. */
  readonly apiKey: string
  readonly log: LogFile
  /** Hears how far it has loaded; absent: this build does not tell. */
  readonly onProgress?: OnLoadProgress | undefined
}

/** A server that does not start: why. */
export class StartFailure extends Error {
  readonly failure: Failure

  constructor(failure: Failure) {
    super(failure.why)
    this.failure = failure
  }
}

/** How a process ended. */
export interface Ended extends Failure {
  /** By a SIGKILL: a person's, the system's for lack of memory, or ours where it was asked to end. */
  readonly killed: boolean
}

export interface RunningProcess {
  /** It was asked to end. */
  readonly isStopping: boolean
  /** Resolves with the reason once it has ended, by whomever. */
  readonly ended: Promise<Ended>
  /** Asks it to end, and ends it soon. */
  stop(): Promise<void>
}

/** @throws StartFailure */
export function startServer({
  binary,
  args,
  port,
  apiKey,
  log,
  onProgress,
}: StartOptions): Promise<RunningProcess> {
  return startProcess({
    binary,
    args,
    env: {
      ...Object.fromEntries(RESERVED_VARIABLES.map((name) => [name, undefined])),
      LLAMA_API_KEY: apiKey, // not in the list of processes
      // builds that do not know these pass over them: the plan says what fits, and memory is bounded
      LLAMA_ARG_FIT: 'off',
      LLAMA_ARG_CACHE_RAM: String(PROMPT_CACHE_MIB),
      ...(onProgress ? TELL_STATE : {}),
    },
    log,
    onProgress,
    look: () => look(port, apiKey),
    explain: failureOf,
  })
}

/** Whether it serves by now; `failed`: it lives and never will; `taken`: another program answers at its port. */
export type ServerState = 'up' | 'starting' | 'failed' | 'taken'

export interface ProcessOptions {
  readonly binary: string
  readonly args: readonly string[]
  /** Added to this process's; undefined: left out of it. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly log: LogFile
  /** Hears how far it has loaded, by what a llama-server prints; such a server ends when its stdin closes. */
  readonly onProgress?: OnLoadProgress | undefined
  readonly look: () => Promise<ServerState>
  /** Makes a reason of what it printed last and of how it ended. */
  readonly explain: (printed: string, how: string) => Failure
}

/**
 * Starts a server in this process's group, so that it goes with it, and waits until its model is loaded.
 * @throws StartFailure
 */
export async function startProcess({
  binary,
  args,
  env,
  log,
  onProgress,
  look,
  explain,
}: ProcessOptions): Promise<RunningProcess> {
  log.write(`\n# ${new Date().toISOString()} ${[binary, ...args].join(' ')}\n`)
  const child = spawn(binary, args, {
    env: { ...process.env, ...libraryPath(binary, process.env), ...env },
    stdio: 'pipe',
    windowsHide: true,
  })
  let tail = ''
  const printed = (text: string) => {
    log.write(text)
    tail = (tail + text).slice(-TAIL)
  }
  const states = onProgress && new StateLines(onProgress)
  child.stdout.setEncoding('utf8').on('data', (text: string) => printed(states?.push(text) ?? text))
  child.stderr.setEncoding('utf8').on('data', printed)
  child.stdin.on('error', () => {}) // it closes with its process
  if (!onProgress) child.stdin.end()
  let end: Failure | undefined
  const ended = endOf(child).then(({ how, killed }): Ended => {
    log.write(`# ${how}\n`)
    end = explain(tail, how)
    return { ...end, killed }
  })
  const running = new Running(child, ended)
  for (const endsMs = performance.now() + UP_MS; end === undefined; ) {
    const state = await look()
    if (end !== undefined) break
    if (state === 'up') return running
    if (state === 'taken') {
      await running.stop()
      throw new StartFailure({ kind: 'port', why: 'another program took its port' })
    }
    if (state === 'failed') {
      const failure = explain(tail, 'its model did not load')
      await running.stop()
      throw new StartFailure(failure)
    }
    if (performance.now() < endsMs) await Promise.race([sleep(LOOK_MS), ended])
    else {
      await running.stop()
      throw new StartFailure({ kind: 'other', why: `its model was not loaded within ${UP_MS / 1000} s` })
    }
  }
  throw new StartFailure(end)
}

class Running implements RunningProcess {
  readonly ended: Promise<Ended>
  readonly #child: ChildProcess
  #stopping = false

  constructor(child: ChildProcess, ended: Promise<Ended>) {
    this.#child = child
    this.ended = ended
  }

  get isStopping(): boolean {
    return this.#stopping
  }

  async stop(): Promise<void> {
    this.#stopping = true
    this.#child.kill('SIGTERM')
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), TERM_MS)
    await this.ended
    clearTimeout(timer)
  }
}

/** With its last output read. */
async function endOf(child: ChildProcess): Promise<{ how: string; killed: boolean }> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ how: error.message, killed: false }))
    child.once('close', (code, signal) =>
      resolve({ how: signal ? `ended by ${signal}` : `exit code ${code}`, killed: signal === 'SIGKILL' }),
    )
  })
}

/** Ours refuses everybody who has not its key; what asks for none or for another one is not ours. */
async function look(port: number, apiKey: string): Promise<ServerState> {
  const { signal } = new AbortController()
  const statusOf = async (path: string, key?: string) => {
    const answer = await ask({ url: `http://127.0.0.1:${port}`, key }, { path, signal, headMs: HEAD_MS })
    answer.resume()
    return answer.statusCode
  }
  try {
    if ((await statusOf('/health')) !== 200) return 'starting'
    const [toStrangers, toUs] = await Promise.all([statusOf('/props'), statusOf('/props', apiKey)])
    return toStrangers === 401 && toUs !== 401 ? 'up' : 'taken'
  } catch {
    return 'starting' // it does not listen yet
  }
}

/** Starts a server on a free port, and on another one where that was taken meanwhile. @throws what `start` throws */
export async function onFreePort<T>(start: (port: number) => Promise<T>): Promise<T> {
  for (let left = MOST_PORTS - 1; ; left--) {
    try {
      return await start(await freePort())
    } catch (thrown) {
      const isTaken = thrown instanceof StartFailure && thrown.failure.kind === 'port'
      if (!isTaken || left === 0) throw thrown
    }
  }
}

/** One that is free now; another program may take it before it is used. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
