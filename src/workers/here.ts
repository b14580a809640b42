import { Service } from './child/service.ts'
import type { HostHandlers, WorkerHost } from './host.ts'
import type { ToChild } from './wire.ts'

/**
 * For an engine that does nothing but pass on what a server writes: in this process, where a token takes no way between threads.
 * What it prints and what ends it are told as of a process.
 */
export class WorkerHere implements WorkerHost {
  readonly pid = undefined
  readonly exited: Promise<void>
  readonly #service: Service
  #ended = false
  #exit: (why: string) => void = () => {}

  constructor(handlers: HostHandlers) {
    this.exited = new Promise((resolve) => {
      this.#exit = (why) => {
        handlers.onExit({ why, output: '', killedByOthers: false })
        resolve()
      }
    })
    this.#service = new Service((message) => !this.#ended && handlers.onMessage(message), {
      output: (line) => handlers.onOutput(`${line}\n`),
      stopped: () => this.#end('it has stopped'),
      lost: (why) => this.#end(why),
    })
  }

  /** Heard when whoever sends it has done so: what is told then finds it ready. */
  send(message: ToChild): void {
    queueMicrotask(() => !this.#ended && this.#service.heard(message))
  }

  kill(): void {
    this.#end('it was ended')
  }

  #end(why: string): void {
    if (this.#ended) return
    this.#ended = true
    this.#service.abort()
    setImmediate(() => this.#exit(why))
  }
}
