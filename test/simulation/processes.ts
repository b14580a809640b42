/** Worker processes in the time of a simulation: they load, answer, crash, hang, are slow, refuse, and let go. */
import type { Batch, Event, Fault } from '../../src/scheduling/core/index.ts'
import type { Nature } from './machine.ts'
import type { Random } from './random.ts'

/** Events as the loop would send them; the time is added by who sends. */
export type Sent = Event extends infer E ? (E extends Event ? Omit<E, 'nowMs'> : never) : never

export interface Surroundings {
  readonly random: Random
  /** Does something after so many milliseconds. */
  after(ms: number, act: () => void): void
  send(event: Sent): void
  readonly nowMs: number
  /** Whether the worker can never serve a request, and others of which that is known. */
  unable(request: number, worker: string): { readonly cannot: readonly string[] } | undefined
}

/** Past so many times what a batch should take a silent worker is killed. */
const HANG_TIMES = 12
const HANG_MS = 1_000
const RESTART_MS = 100
const FREE_MS = 30
/** What an engine that answers says instead. */
const REFUSALS: readonly Fault[] = ['engine', 'engine', 'engine', 'unable', 'input']

export class Process {
  readonly nature: Nature
  readonly #world: Surroundings
  readonly held = new Map<number, Batch>()
  readonly #queue: Batch[] = []
  readonly #hanging = new Set<number>()
  /** The batch that an encoder works on. */
  #current: number | undefined
  /** Of the process: what an earlier one had begun means nothing. */
  #life = 0
  state: 'loading' | 'ready' | 'down' | 'resting' | 'stopped' = 'loading'
  holdsMemory = true
  /** Nothing goes wrong any more. */
  calm = false

  constructor(nature: Nature, world: Surroundings) {
    this.nature = nature
    this.#world = world
    this.#load()
  }

  wake(): void {
    if (this.state !== 'resting') throw new Error(`${this.nature.id} was woken while it is ${this.state}`)
    this.holdsMemory = true
    this.#load()
  }

  /** From the beginning, before it was ever loaded. */
  unload(): void {
    this.#end('resting')
    this.holdsMemory = false
  }

  rest(): void {
    if (this.state !== 'ready' || this.held.size > 0)
      throw new Error(`${this.nature.id} was unloaded while it was at work`)
    this.#end('resting')
    const life = this.#life
    this.#world.send({
      type: 'workerLost',
      worker: this.nature.id,
      why: 'unloaded',
      gone: false,
      resting: true,
    })
    this.#world.after(FREE_MS, () => {
      if (life !== this.#life) return
      this.holdsMemory = false
      this.#world.send({ type: 'memoryFreed', worker: this.nature.id })
    })
  }

  stop(): void {
    this.#end('stopped')
    this.holdsMemory = false
  }

  /** The process dies, whatever it does. @param killed by somebody else */
  crash(why = 'crash', killed = false): void {
    if (this.state !== 'ready' && this.state !== 'loading') return
    this.#end('down')
    this.#world.send({ type: 'workerLost', worker: this.nature.id, why, gone: false, killed })
    const life = this.#life
    this.#world.after(this.#world.random.between(0.75, 1.25) * RESTART_MS, () => {
      if (life === this.#life) this.#load()
    })
  }

  accept(batch: Batch): void {
    this.held.set(batch.id, batch)
    if (this.nature.merges) {
      this.#queue.push(batch)
      if (this.#current === undefined) this.#next()
    } else this.#work(batch)
  }

  /** It lets go of a batch soon, unless it hangs. */
  cancel(id: number): void {
    const life = this.#life
    if (this.#hanging.has(id)) return
    const at = this.#queue.findIndex((batch) => batch.id === id)
    if (at >= 0) this.#queue.splice(at, 1)
    this.#world.after(this.#world.random.between(1, 20), () => {
      if (life === this.#life && this.held.has(id)) this.#letGo(id)
    })
  }

  #load(): void {
    this.state = 'loading'
    const life = this.#life
    this.#world.after(this.nature.loadMs, () => {
      if (life !== this.#life) return
      this.state = 'ready'
      const { id, room, maxRoom, proven, resumes } = this.nature
      this.#world.send({ type: 'workerReady', worker: id, room, maxRoom, proven, resumes })
    })
  }

  #end(state: 'down' | 'resting' | 'stopped'): void {
    this.#life += 1
    this.state = state
    this.held.clear()
    this.#hanging.clear()
    this.#queue.length = 0
    this.#current = undefined
  }

  /** A person's batch overtakes bulk that waits here. */
  #next(): void {
    const at = this.#queue.findIndex(({ priority }) => priority === 'interactive')
    const [batch] = this.#queue.splice(Math.max(0, at), 1)
    this.#current = batch?.id
    if (batch) this.#work(batch)
  }

  #work(batch: Batch): void {
    const { random } = this.#world
    const { msPerToken, crash, hang, slow, refuse, merges } = this.nature
    const life = this.#life
    const dice = this.calm ? 1 : random.next()
    const usualMs = msPerToken * batch.paddedTokens * random.between(0.8, 1.2)
    const alive = () => life === this.#life && this.held.has(batch.id)
    const unable = batch.parts.map(({ request }) => this.#world.unable(request, this.nature.id))
    const asksTooMuch = unable.find((each) => each !== undefined)
    if (asksTooMuch) {
      this.#world.after(1, () => {
        if (!alive()) return
        // of several it is not known who asked for too much
        const { cannot } = unable.length === 1 ? asksTooMuch : { cannot: [] }
        this.#world.send({ type: 'batchFailed', batch: batch.id, fault: 'unable', cannot })
        if (life === this.#life) this.#letGo(batch.id)
      })
      return
    }
    if (dice < crash) {
      this.#world.after(usualMs * random.next(), () => alive() && this.crash())
      return
    }
    if (dice < crash + hang) {
      this.#hanging.add(batch.id)
      this.#world.after(Math.max(HANG_MS, HANG_TIMES * usualMs), () => alive() && this.crash('hang'))
      return
    }
    const ms = dice < crash + hang + slow ? 10 * usualMs : usualMs
    const fault: Fault | undefined = !this.calm && dice > 1 - refuse ? random.pick(REFUSALS) : undefined
    if (!merges)
      this.#world.after(
        ms * 0.2,
        () =>
          alive() &&
          this.#world.send({ type: 'firstDelta', batch: batch.id, shown: this.#world.random.chance(0.7) }),
      )
    this.#world.after(ms, () => {
      if (!alive()) return
      if (fault) this.#world.send({ type: 'batchFailed', batch: batch.id, fault })
      else this.#world.send({ type: 'batchDone', batch: batch.id })
      if (life === this.#life) this.#letGo(batch.id)
    })
  }

  #letGo(id: number): void {
    if (this.held.delete(id)) this.#world.send({ type: 'batchReleased', batch: id })
    if (this.#current === id && this.state === 'ready') this.#next()
  }
}
