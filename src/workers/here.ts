import { Service } from './child/service.ts'
import { exitOf, type HostExit, type HostHandlers, type HostOptions, type WorkerHost } from './host.ts'
import { Tail } from './tail.ts'
import type { FromChild, ToChild } from './wire.ts'

/**
 * For an engine that does nothing but pass on what a server writes: in this process, where a token takes no way between threads.
 * What it prints and what ends it are told as of a process.
 */
export class WorkerHere implements WorkerHost {
  readonly pid = undefined
  readonly exited: Promise<void>
  readonly #service: Service
  readonly #handlers: HostHandlers
  #ended = false
  #hearing = false
  /** What was told while a message was heard: whoever sent that hears it when it has done so. */
  #held: FromChild[] = []
  #exit: (exit: HostExit) => void = () => {}

  constructor({ outputChars }: HostOptions, handlers: HostHandlers) {
    const output = new Tail(outputChars)
    this.#handlers = handlers
    this.exited = new Promise((resolve) => {
      this.#exit = (exit) => {
        handlers.onExit(exit)
        resolve()
      }
    })
    this.#service = new Service((message) => this.#tell(message), {
      output: (line) => {
        output.push(`${line}\n`)
        handlers.onOutput(`${line}\n`)
      },
      stopped: () => this.#end(exitOf('it has stopped', output, false)),
      lost: (why) => this.#end({ why, output: '', killedByOthers: false }),
    })
  }

  send(message: ToChild): void {
    if (this.#ended) return
    this.#hearing = true
    this.#service.heard(message)
    this.#hearing = false
    if (this.#held.length > 0) queueMicrotask(() => this.#release())
  }

  kill(): void {
    this.#end({ why: 'it was ended', output: '', killedByOthers: false })
  }

  #tell(message: FromChild): void {
    if (this.#hearing || this.#held.length > 0) this.#held.push(message)
    else if (!this.#ended) this.#handlers.onMessage(message)
  }

  #release(): void {
    const held = this.#held
    this.#held = []
    for (const message of held) this.#tell(message)
  }

  #end(exit: HostExit): void {
    if (this.#ended) return
    this.#ended = true
    this.#service.abort()
    setImmediate(() => this.#exit(exit))
  }
}
