import { Worker } from 'node:worker_threads'
import { builtEntry } from '../config/index.ts'
import { deliver, exitOf, type HostHandlers, type HostOptions, keepOutput, type WorkerHost } from './host.ts'
import { Tail } from './tail.ts'
import { type ToChild, WORKER_NAME } from './wire.ts'

/** Heap of one thread: past it the thread ends, and this process does not. */
const HEAP_MIB = 1024

/**
 * One thread for an engine that asks a server by HTTP: no native code can take this process with it, its memory is bounded, and no
 * large answer that it reads delays a token of another. A message takes half the time that it takes by a pipe.
 */
export class WorkerThread implements WorkerHost {
  readonly pid = undefined
  readonly exited: Promise<void>
  readonly #thread: Worker

  constructor({ env, outputChars }: HostOptions, handlers: HostHandlers) {
    const output = new Tail(outputChars)
    const thread = new Worker(builtEntry('workers/child/thread'), {
      name: WORKER_NAME,
      env: { ...process.env, ...env },
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
    })
    this.#thread = thread
    keepOutput([thread.stdout, thread.stderr], output, (text) => handlers.onOutput(text))
    thread.on('message', (value: unknown) => deliver(value, handlers))
    thread.on('messageerror', (error) => handlers.onGarbage(error.message))
    thread.on('error', ({ message }) => output.push(`${message}\n`)) // not caught there; the thread ends
    this.exited = new Promise((resolve) => {
      thread.once('exit', (code) => {
        handlers.onExit(exitOf(`exit code ${code}`, output, false))
        resolve()
      })
    })
  }

  send(message: ToChild): void {
    this.#thread.postMessage(message)
  }

  kill(): void {
    void this.#thread.terminate()
  }
}
