/** Runs one text answer, whole or as a stream; the same for every dialect. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ChatDelta, ChatResult, TandemError } from '../../domain/index.ts'
import type { RequestContext } from '../../scheduling/contract.ts'
import { type HttpDeps, type HttpLog, TIMING } from '../deps.ts'
import { fromFastify, logFailure } from '../errors.ts'
import { causeOf } from '../exchange.ts'
import { KeepAlive, type Pending, pendingOf } from '../keep-alive.ts'
import { contextOf, setServed } from '../served-by.ts'
import { type StreamForm, TextStream } from '../text-stream.ts'
import type { AnswerExtras } from './tandem-part.ts'

/** A dialect's answer as the pieces of a stream, each complete with what ends it. */
export interface AnswerFrames {
  /** Default: server-sent events. */
  readonly form?: StreamForm
  /** Goes out together with the first delta. */
  readonly start: string
  delta(delta: ChatDelta): string
  end(result: ChatResult, extras?: AnswerExtras): string
  /** After some text, or while nothing was written yet: what was sent is not the whole. */
  fail(error: TandemError): string
}

const MOVED = 'an answer broke off and goes on'

export interface RunContext extends RequestContext {
  /** Something that takes its time comes before the model is asked: what, for a client that waits. */
  readonly onPhase: (pending: Pending) => void
}

export interface Answered {
  readonly result: ChatResult
  readonly extras?: AnswerExtras
}

export type Run = (context: RunContext, onDelta: (delta: ChatDelta) => void) => Promise<Answered>

/** @returns the answer, with the headers of who served it set on the reply */
export async function runWhole(
  request: FastifyRequest,
  reply: FastifyReply,
  run: Run,
  log: HttpLog,
): Promise<Required<Answered>> {
  const { result, extras = {} } = await run(
    {
      ...contextOf(request),
      onPhase: () => {},
      onServedBy: (served) => setServed(reply, served),
      onMoved: (served, move) => {
        setServed(reply, served)
        log.warn(move, MOVED)
      },
    },
    () => {},
  )
  return { result, extras }
}

/**
 * Until the first delta an error is an HTTP error; after it, the dialect's error event ends the
 * stream. Where the answer went on elsewhere, a comment says so at that place. A stream that waits gets its head and
 * a comment after `keepAliveMs`: then too an error is an event.
 */
export async function runStream(
  request: FastifyRequest,
  reply: FastifyReply,
  frames: AnswerFrames,
  run: Run,
  { log, timing }: Pick<HttpDeps, 'log' | 'timing'>,
): Promise<FastifyReply> {
  const { exchange } = request
  const stream = new TextStream(reply, exchange, frames.form ? { form: frames.form } : {})
  const keepAlive = new KeepAlive(reply, stream, timing?.keepAliveMs ?? TIMING.keepAliveMs)
  let opening = frames.start
  const write = (events: string) => {
    stream.write(opening + events)
    opening = ''
  }
  try {
    const { result, extras } = await run(
      {
        ...contextOf(request),
        onPhase: (pending) => {
          keepAlive.pending = () => pending
        },
        onQueued: (waiting) => {
          keepAlive.pending = () => pendingOf(waiting())
        },
        onServedBy: (served) => keepAlive.servedBy(served),
        onMoved: (served, move) => {
          log.warn(move, MOVED)
          // the head with its headers is out
          if (!exchange.signal.aborted) stream.comment(`tandem-fallback ${served.fallback ?? ''}`)
        },
      },
      (delta) => {
        if (!exchange.signal.aborted) write(frames.delta(delta))
      },
    )
    const served = keepAlive.correction
    write(frames.end(result, { ...extras, ...(served ? { served_by: served } : {}) }))
  } catch (thrown) {
    const cause = causeOf(exchange, thrown)
    if (!stream.started) throw cause
    const error = fromFastify(cause)
    logFailure(log, request, error)
    stream.write(frames.fail(error))
  } finally {
    keepAlive.stop()
  }
  stream.end()
  return reply
}
