import { type ChildProcess, spawn } from 'node:child_process'
import { constants, setPriority } from 'node:os'
import type { Duplex } from 'node:stream'
import { builtEntry } from '../config/index.ts'
import { Channel } from './channel.ts'
import { deliver, exitOf, type HostHandlers, type HostOptions, keepOutput, type WorkerHost } from './host.ts'
import { killTree } from './kill-tree.ts'
import { Tail } from './tail.ts'
import { CHANNEL_FD, PARENT_PID, type ToChild } from './wire.ts'

/** Once the process is gone its pipes are read for this long, for the last lines that it printed. */
const DRAIN_MS = 25
/** A process that closed its channel is about to end by itself; past this it is ended. */
const CLOSED_MS = 500

export interface ProcessOptions extends HostOptions {
  /** It gives way to programs of usual priority. */
  readonly background: boolean
}

/** One worker process. */
export class WorkerProcess implements WorkerHost {
  readonly pid: number | undefined
  readonly exited: Promise<void>
  readonly #child: ChildProcess
  /** Absent where the process could not be started. */
  readonly #channel: Channel | undefined
  readonly #output: Tail
  #handlers: HostHandlers
  #isKilled = false

  /** @param name what lists of processes show; absent: the program's path */
  constructor({ env, outputChars, background }: ProcessOptions, handlers: HostHandlers, name?: string) {
    this.#handlers = handlers
    this.#output = new Tail(outputChars)
    this.#child = spawn(process.execPath, [builtEntry('workers/child/main')], {
      argv0: name ?? process.execPath,
      env: { ...process.env, ...env, [PARENT_PID]: String(process.pid) },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      detached: process.platform !== 'win32', // a group of its own: killed as one, and out of Ctrl-C's reach
      windowsHide: true,
    })
    this.pid = this.#child.pid
    if (background) this.#giveWay()
    keepOutput([this.#child.stdout, this.#child.stderr], this.#output, (text) =>
      this.#handlers.onOutput(text),
    )
    // a system without free file descriptors gives a process without pipes
    const pipe = (this.#child.stdio as readonly unknown[] | undefined)?.[CHANNEL_FD] as Duplex | undefined
    this.#channel = pipe && this.#listen(pipe)
    this.exited = new Promise((resolve) => {
      this.#whenGone((how, killedByOthers) => {
        this.#handlers.onExit(exitOf(how, this.#output, killedByOthers))
        resolve()
      })
    })
  }

  /** From now on these hear of it. */
  handOver(handlers: HostHandlers): void {
    this.#handlers = handlers
  }

  send(message: ToChild): void {
    this.#channel?.send(message)
  }

  /** Ends the process and all that it started, without asking. */
  kill(): void {
    this.#isKilled = true
    if (this.pid !== undefined) killTree(this.pid)
  }

  #listen(pipe: Duplex): Channel {
    pipe.once('close', () => {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
      const timer = setTimeout(() => this.kill(), CLOSED_MS)
      this.#child.once('exit', () => clearTimeout(timer))
    })
    return new Channel(pipe, {
      onMessage: (value) => deliver(value, this.#handlers),
      onGarbage: (why) => this.#handlers.onGarbage(why),
    })
  }

  #giveWay(): void {
    if (this.pid === undefined) return
    try {
      setPriority(this.pid, constants.priority.PRIORITY_BELOW_NORMAL)
    } catch {
      // it has ended, or this system does not allow it: then it runs as all do
    }
  }

  #whenGone(report: (how: string, killedByOthers: boolean) => void): void {
    let reported = false
    const once = (how: string, killedByOthers: boolean) => {
      if (!reported) report(how, killedByOthers)
      reported = true
    }
    this.#child.once('error', (error) => once(error.message, false)) // it could not be started
    this.#child.once('exit', (code, signal) => {
      const killedByOthers = signal === 'SIGKILL' && !this.#isKilled
      this.kill() // what it may have started itself
      const how = signal ? `signal ${signal}` : `exit code ${code}`
      const timer = setTimeout(() => once(how, killedByOthers), DRAIN_MS)
      this.#child.once('close', () => {
        clearTimeout(timer)
        once(how, killedByOthers)
      })
    })
  }
}
