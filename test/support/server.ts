/** The real server in a process of its own, with a home of its own, as a user starts it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

export const BIN = fileURLToPath(new URL('../../bin/tandem.js', import.meta.url))
/** A folder for `models.folders`: a reranker and a classifier. */
export const TEST_MODELS = fileURLToPath(new URL('../data/models', import.meta.url))
/** A hang is ended by them; they are no expectation. */
const START_MS = 240_000
const STOP_MS = 60_000

export interface TestServer {
  readonly url: string
  readonly home: string
  readonly pid: number
  /** Its further addresses, once it is ready. */
  readonly alsoAt: () => Promise<readonly string[]>
  /** What the server wrote to stderr so far. */
  readonly log: () => string
  /** Its exit code; null when a signal ended it. */
  readonly exited: Promise<number | null>
  signal(signal: NodeJS.Signals): void
  /** Ends the server as Ctrl-C does; kills it when that takes too long. @returns its exit code */
  stop(): Promise<number | null>
}

export interface TestServerOptions {
  /** Written to the home's `tandem.yaml`. */
  readonly config?: Record<string, unknown>
  /** Folders to index. */
  readonly projects?: readonly string[]
  /** An existing home, which the caller removes; default: a new one that goes with the server. */
  readonly home?: string
  /** Further arguments of `tandem serve`. */
  readonly args?: readonly string[]
  /** Instead of this process's environment. */
  readonly env?: Readonly<Record<string, string>>
  /** Resolve when it listens, before the models are loaded. */
  readonly early?: boolean
}

/** Resolves once `/health` is 200, or as soon as it answers where `early` is set. */
export async function startTestServer({
  config = {},
  projects = [],
  home: givenHome,
  args = [],
  env,
  early = false,
}: TestServerOptions = {}): Promise<TestServer> {
  const home = givenHome ?? (await mkdtemp(join(tmpdir(), 'tandem-test-')))
  await writeFile(join(home, 'tandem.yaml'), JSON.stringify(config)) // JSON is YAML
  const folders = projects.flatMap((path) => ['--project', path])
  const child = spawn(process.execPath, [BIN, 'serve', '--port', '0', '--json', ...folders, ...args], {
    // other tests run beside it: an index that gives way to them would take long; servers of this machine are not looked for, and none is started
    env: {
      TANDEM_CPU_GIVE_WAY: 'false',
      TANDEM_ADOPT_DISCOVER: 'false',
      TANDEM_LLAMA_SERVER_ENABLED: 'false',
      ...(env ?? process.env),
      TANDEM_HOME: home,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let log = ''
  child.stderr.on('data', (chunk) => {
    log += chunk
  })
  let document = ''
  child.stdout.on('data', (chunk) => {
    document += chunk
  })
  async function alsoAt(): Promise<readonly string[]> {
    while (!document.endsWith('}\n') && child.exitCode === null) await sleep(20)
    return (JSON.parse(document) as { alsoAt: string[] }).alsoAt
  }
  const exited = once(child, 'exit').then(([code]) => code as number | null)

  async function stop(): Promise<number | null> {
    child.kill('SIGINT')
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
    await exited
    clearTimeout(timer)
    if (givenHome === undefined) await rm(home, { recursive: true, force: true })
    return child.exitCode
  }

  const deadline = Date.now() + START_MS
  while (child.exitCode === null && Date.now() < deadline) {
    const url = await announced(home, child.pid!)
    if (url !== undefined && (await answers(url, early)))
      return {
        url,
        home,
        pid: child.pid!,
        alsoAt,
        log: () => log,
        exited,
        signal: (signal) => void child.kill(signal),
        stop,
      }
    await sleep(20)
  }
  const ended = child.exitCode
  await stop()
  const what = ended === null ? `was not ready within ${START_MS} ms` : `ended with ${ended}`
  throw new Error(`the server ${what}:\n${log}`)
}

/** The address that this server announced, not one that was killed in the same home before it. */
async function announced(home: string, pid: number): Promise<string | undefined> {
  try {
    const found = JSON.parse(await readFile(join(home, 'server.json'), 'utf8')) as {
      url: string
      pid: number
    }
    return found.pid === pid ? found.url : undefined
  } catch {
    return undefined // not yet
  }
}

async function answers(url: string, early: boolean): Promise<boolean> {
  try {
    return (await fetch(`${url}/health`)).status === 200 || early
  } catch {
    return false // announced, but not listening any more or not yet
  }
}
