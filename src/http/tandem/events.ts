/**
 * `GET /tandem/v1/events`: the status first, then what changes: projects, the plan, workers and requests as they say it, the work
 * at each worker and in each queue as it is seen.
 */
import type { FastifyInstance } from 'fastify'
import { type QueueDepth, TandemError } from '../../domain/index.ts'
import type { ServerEvent } from '../../telemetry/index.ts'
import type { HttpDeps, Timing } from '../deps.ts'
import { TextStream } from '../text-stream.ts'
import { statusOf } from './status.ts'

const MAX_STREAMS = 3_072
/** A reader that leaves more than this unread is cut; it may connect again and gets the status anew. */
const MAX_UNREAD_BYTES = 256 * 1024

const event = (name: string, data: unknown) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`

/** What is not as it was when it was last seen. */
function changedOf<T>(now: readonly T[], keyOf: (each: T) => string, before: ReadonlyMap<string, string>) {
  const seen = new Map(now.map((each) => [keyOf(each), JSON.stringify(each)]))
  return { changed: now.filter((each) => seen.get(keyOf(each)) !== before.get(keyOf(each))), seen }
}

/** One source for all readers: it runs while there are any. */
class Feed {
  readonly #deps: HttpDeps
  readonly #timing: Timing
  readonly #readers = new Set<TextStream>()
  #stop: (() => void) | undefined
  #workers = new Map<string, string>()
  #queues = new Map<string, string>()

  constructor(deps: HttpDeps, timing: Timing) {
    this.#deps = deps
    this.#timing = timing
  }

  get size(): number {
    return this.#readers.size
  }

  add(reader: TextStream): void {
    this.#readers.add(reader)
    this.#stop ??= this.#start()
    reader.write(event('status', statusOf(this.#deps))) // last: a write that is too much removes the reader
  }

  remove(reader: TextStream): void {
    this.#readers.delete(reader)
    reader.end()
    if (this.#readers.size > 0) return
    this.#stop?.()
    this.#stop = undefined
  }

  end(): void {
    for (const reader of [...this.#readers]) this.remove(reader)
  }

  #start(): () => void {
    this.#changedWorkers() // what is now stands in the status
    this.#changedQueues()
    const ofProjects = this.#deps.projects?.onEvent((data) => this.#send(event('project', data)))
    const ofPlan = this.#deps.onPlan((data) => this.#send(event('plan', data)))
    const ofServer = this.#deps.telemetry.events.onEvent((data) => this.#heard(data))
    const poll = setInterval(() => {
      for (const worker of this.#changedWorkers()) this.#send(event('worker', worker))
      for (const queue of this.#changedQueues()) this.#send(event('queue', queue))
    }, this.#timing.workerPollMs)
    const heartbeat = setInterval(() => this.#send(': still here\n\n'), this.#timing.heartbeatMs)
    return () => {
      ofProjects?.()
      ofPlan()
      ofServer()
      clearInterval(poll)
      clearInterval(heartbeat)
    }
  }

  /** A change of a worker comes with all that is known of it. */
  #heard(data: ServerEvent): void {
    const { type, ...told } = data
    const known = type === 'worker' && this.#deps.serving.workers().find(({ id }) => id === data.id)
    this.#send(event(type, known ? { ...known, ...told } : told))
  }

  #changedWorkers() {
    const { changed, seen } = changedOf(this.#deps.serving.workers(), ({ id }) => id, this.#workers)
    this.#workers = seen
    return changed
  }

  #changedQueues() {
    const keyOf = ({ task, model, priority }: QueueDepth) => `${task}:${model}:${priority}`
    const { changed, seen } = changedOf(this.#deps.serving.queues(), keyOf, this.#queues)
    this.#queues = seen
    return changed
  }

  #send(events: string): void {
    for (const reader of this.#readers) reader.write(events)
  }
}

/** @returns ends all streams */
export function eventRoute(app: FastifyInstance, deps: HttpDeps, timing: Timing): () => void {
  const feed = new Feed(deps, timing)
  app.get('/tandem/v1/events', { exposeHeadRoute: false }, async (request, reply) => {
    if (feed.size >= (deps.maxEventReaders ?? MAX_STREAMS))
      throw new TandemError('QUEUE_FULL', { device: 'events', waiting: feed.size })
    const stream = new TextStream(reply, request.exchange, { maxUnread: MAX_UNREAD_BYTES })
    request.exchange.signal.addEventListener('abort', () => feed.remove(stream), { once: true })
    feed.add(stream)
    return reply
  })
  return () => feed.end()
}
