import { type ChildProcess, type ForkOptions, fork } from 'node:child_process'
import { constants, setPriority } from 'node:os'
import { builtEntry } from '../config/index.ts'
import { killTree } from './kill-tree.ts'
import { Tail } from './tail.ts'
import { type FromChild, PARENT_PID, type ToChild } from './wire.ts'

/** Once the process is gone its pipes are read for this long, for the last lines that it printed. */
const DRAIN_MS = 25
/** A process that closed its channel is about to end by itself; past this it is ended. */
const DISCONNECTED_MS = 500

export interface ProcessHandlers {
  onMessage(message: FromChild): void
  /** What it printed, as it comes. */
  onOutput(text: string): void
  /** Called once; `why` holds exit code or signal and the last lines printed. */
  onExit(why: string): void
}

/** One life of a worker process. */
export class WorkerProcess {
  readonly pid: number | undefined
  readonly exited: Promise<void>
  readonly #child: ChildProcess
  readonly #output: Tail

  constructor(env: NodeJS.ProcessEnv, outputChars: number, handlers: ProcessHandlers) {
    this.#output = new Tail(outputChars)
    const options: ForkOptions & { windowsHide: boolean } = {
      env: { ...process.env, ...env, [PARENT_PID]: String(process.pid) },
      execArgv: [],
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      detached: process.platform !== 'win32', // a group of its own: killed as one, and out of Ctrl-C's reach
      windowsHide: true,
    }
    this.#child = fork(builtEntry('workers/child/main'), [], options)
    this.pid = this.#child.pid
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8')
      stream?.on('data', (chunk: string) => {
        this.#output.push(chunk)
        handlers.onOutput(chunk)
      })
    }
    this.#child.on('message', (message) => handlers.onMessage(message as FromChild))
    this.#child.once('disconnect', () => {
      const timer = setTimeout(() => this.kill(), DISCONNECTED_MS)
      this.#child.once('exit', () => clearTimeout(timer))
    })
    this.exited = new Promise((resolve) => {
      this.#whenGone((how) => {
        const lines = this.#output.lastLines(5)
        handlers.onExit(lines ? `${how}; it printed: ${lines}` : how)
        resolve()
      })
    })
  }

  send(message: ToChild): void {
    // a channel that broke means that the process is going: its exit is reported by onExit
    if (this.#child.connected) this.#child.send(message, () => {})
  }

  /** Lets programs of usual priority go first. */
  giveWay(): void {
    if (this.pid === undefined) return
    try {
      setPriority(this.pid, constants.priority.PRIORITY_BELOW_NORMAL)
    } catch {
      // it has ended, or this system does not allow it: then it runs as all do
    }
  }

  /** Ends the process and all that it started, without asking. */
  kill(): void {
    if (this.pid !== undefined) killTree(this.pid)
  }

  #whenGone(report: (how: string) => void): void {
    let reported = false
    const once = (how: string) => {
      if (!reported) report(how)
      reported = true
    }
    this.#child.once('error', (error) => once(error.message)) // it could not be started
    this.#child.once('exit', (code, signal) => {
      this.kill() // what it may have started itself
      const how = signal ? `signal ${signal}` : `exit code ${code}`
      const timer = setTimeout(() => once(how), DRAIN_MS)
      this.#child.once('close', () => {
        clearTimeout(timer)
        once(how)
      })
    })
  }
}
