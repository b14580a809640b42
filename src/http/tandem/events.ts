/** `GET /tandem/v1/events`: the status first, then what changes: projects and the plan as they say it, workers as they are seen. */
import type { FastifyInstance } from 'fastify'
import { TandemError, type WorkerStatus } from '../../domain/index.ts'
import type { HttpDeps, Timing } from '../deps.ts'
import { SseStream } from '../sse.ts'
import { statusOf } from './status.ts'

const MAX_STREAMS = 3_072
/** A reader that leaves more than this unread is cut; it may connect again and gets the status anew. */
const MAX_UNREAD_BYTES = 256 * 1024

const event = (name: string, data: unknown) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`

/** One source for all readers: it runs while there are any. */
class Feed {
  readonly #deps: HttpDeps
  readonly #timing: Timing
  readonly #readers = new Set<SseStream>()
  #stop: (() => void) | undefined
  #workers = new Map<string, string>()

  constructor(deps: HttpDeps, timing: Timing) {
    this.#deps = deps
    this.#timing = timing
  }

  get size(): number {
    return this.#readers.size
  }

  add(reader: SseStream): void {
    this.#readers.add(reader)
    this.#stop ??= this.#start()
    reader.write(event('status', statusOf(this.#deps))) // last: a write that is too much removes the reader
  }

  remove(reader: SseStream): void {
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
    this.#workers = new Map(this.#deps.serving.workers().map((one) => [one.id, JSON.stringify(one)]))
    const ofProjects = this.#deps.projects?.onEvent((data) => this.#send(event('project', data)))
    const ofPlan = this.#deps.onPlan((data) => this.#send(event('plan', data)))
    const poll = setInterval(() => this.#compareWorkers(), this.#timing.workerPollMs)
    const heartbeat = setInterval(() => this.#send(': still here\n\n'), this.#timing.heartbeatMs)
    return () => {
      ofProjects?.()
      ofPlan()
      clearInterval(poll)
      clearInterval(heartbeat)
    }
  }

  #compareWorkers(): void {
    const now = new Map<string, string>()
    for (const worker of this.#deps.serving.workers()) {
      const text = JSON.stringify(worker)
      now.set(worker.id, text)
      if (this.#workers.get(worker.id) !== text) this.#send(event('worker', worker satisfies WorkerStatus))
    }
    this.#workers = now
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
    const stream = new SseStream(reply, request.exchange, { maxUnread: MAX_UNREAD_BYTES })
    request.exchange.signal.addEventListener('abort', () => feed.remove(stream), { once: true })
    feed.add(stream)
    return reply
  })
  return () => feed.end()
}
