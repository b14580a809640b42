/** A server in a home on a small disk of its own, with a project, and ways into its processes for faults. */
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Task, WorkerStatus } from '../../src/domain/index.ts'
import { workersOf } from '../processes.ts'
import { statusOf } from '../support/api.ts'
import { MadeUpTree } from '../support/made-up-tree.ts'
import { startTestServer, TEST_MODELS, type TestServer } from '../support/server.ts'
import { type Disk, smallDisk } from './disk.ts'

const PRELOAD = fileURLToPath(new URL('./preload.js', import.meta.url))
const FILES = 24
const FUNCTIONS = 3

export interface World {
  readonly server: TestServer
  readonly home: string
  readonly disk: Disk
  readonly tree: MadeUpTree
  /** Has a process do what `preload.js` can. */
  command(pid: number, command: { readonly name: string } & Record<string, unknown>): Promise<void>
  /** What the worker that loads a model next does then. */
  nextLoad(what: { readonly slowMs?: number; readonly failOpen?: string }): Promise<void>
  /**
   * Ends the server, and what it left behind: a stopped process cannot see that its parent is gone.
   * @returns its exit code, null where it had to be killed, and the processes that it left
   */
  end(): Promise<{ readonly code: number | null; readonly left: readonly number[] }>
  /** Removes what is on the disk. */
  remove(): Promise<void>
}

export interface WorldOptions {
  readonly config?: Record<string, unknown>
  /** Without one the server has no project. */
  readonly project?: boolean
  readonly args?: readonly string[]
  /** Its processes collect their garbage often, so that memory is what they need. */
  readonly collect?: boolean
}

export async function makeWorld({
  config = {},
  project = true,
  args = [],
  collect = false,
}: WorldOptions = {}): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'tandem-chaos-'))
  const commands = join(folder, 'commands')
  const home = join(folder, 'home')
  await mkdir(commands)
  await mkdir(home)
  const disk = smallDisk(home)
  const tree = await MadeUpTree.make(project ? FILES : 0, FUNCTIONS)
  const nodeOptions = `${process.env['NODE_OPTIONS'] ?? ''} --import=${PRELOAD}`.trim()
  const env = {
    ...definedEnv(),
    NODE_OPTIONS: nodeOptions,
    TANDEM_CHAOS_FOLDER: commands,
    ...(collect ? { TANDEM_CHAOS_COLLECT: 'true' } : {}),
  }
  async function remove(): Promise<void> {
    disk.remove()
    await tree.remove()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const server = await startTestServer({
      home,
      config: { models: { folders: [TEST_MODELS] }, calibration: { whenIdle: false }, ...config },
      projects: project ? [tree.root] : [],
      args,
      env,
    })
    disk.limitProcess(server.pid)
    const put = async (name: string, what: unknown) => {
      await writeFile(join(commands, `new-${name}`), JSON.stringify(what))
      await rename(join(commands, `new-${name}`), join(commands, name))
    }
    return {
      server,
      home,
      disk,
      tree,
      async command(pid, command) {
        await put(`${pid}.json`, command)
        process.kill(pid, 'SIGUSR2')
      },
      nextLoad: (what) => put('load.json', what),
      async end() {
        const code = await server.stop()
        const left = workersOf(server.pid)
        for (const pid of left) process.kill(pid, 'SIGKILL')
        return { code, left }
      },
      remove,
    }
  } catch (thrown) {
    await remove()
    throw thrown
  }
}

/** The first placement of a task that answers. */
export async function servingWorker(server: { url: string }, task: Task): Promise<WorkerStatus | undefined> {
  return (await statusOf(server)).workers.find(
    (worker) => worker.task === task && (worker.state === 'ready' || worker.state === 'busy'),
  )
}

/** Whether faults that need `prlimit` or signals can be made here. */
export function canRunHere(): string | undefined {
  if (process.platform !== 'linux') return 'it reads /proc and sends signals: Linux only'
  try {
    execFileSync('prlimit', ['--version'], { stdio: 'ignore' })
    return undefined
  } catch {
    return 'prlimit (util-linux) is missing'
  }
}

function definedEnv(): Record<string, string> {
  return Object.fromEntries(Object.entries(process.env).filter(([, value]) => value !== undefined)) as Record<
    string,
    string
  >
}
