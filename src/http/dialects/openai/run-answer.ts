/** Runs one text answer, whole or as a stream; the same for chats and completions. */
import { randomUUID } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ChatDelta, ChatResult } from '../../../domain/index.ts'
import type { RequestContext, Served } from '../../../scheduling/contract.ts'
import { type HttpDeps, type HttpLog, type ModelEntry, TIMING } from '../../deps.ts'
import { errorBody, fromFastify, logFailure } from '../../errors.ts'
import { causeOf } from '../../exchange.ts'
import { KeepAlive } from '../../keep-alive.ts'
import { contextOf, headerText, setServed } from '../../served-by.ts'
import { SseStream } from '../../sse.ts'
import type { AnswerFrames, AnswerHead } from './answer.ts'

const MOVED = 'an answer broke off and goes on'

export type Run = (
  context: RequestContext,
  onDelta: (delta: ChatDelta) => void,
) => Promise<Pick<Served<ChatResult>, 'result'>>

export function answerHead(prefix: 'chatcmpl' | 'cmpl', asked: string, model: ModelEntry): AnswerHead {
  return {
    id: `${prefix}-${randomUUID().replaceAll('-', '')}`,
    created: Math.floor(Date.now() / 1000),
    model: asked,
    systemFingerprint: `fp_${model.fingerprint.slice(0, 12)}`,
  }
}

/** @returns the result, with the headers of who served it set on the reply */
export async function runWhole(
  request: FastifyRequest,
  reply: FastifyReply,
  run: Run,
  log: HttpLog,
): Promise<ChatResult> {
  const { result } = await run(
    {
      ...contextOf(request),
      onServedBy: (served) => setServed(reply, served),
      onMoved: (served, move) => {
        setServed(reply, served)
        log.warn(move, MOVED)
      },
    },
    () => {},
  )
  return result
}

/**
 * Until the first delta an error is an HTTP error; after it, a chunk with `finish_reason` "error" and an error event end
 * the stream. Where the answer went on elsewhere, a comment says so at that place. A stream that waits gets its head and
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
  const stream = new SseStream(reply, exchange)
  const keepAlive = new KeepAlive(reply, stream, timing?.keepAliveMs ?? TIMING.keepAliveMs)
  let opening = frames.start
  const write = (events: string) => {
    stream.write(opening + events)
    opening = ''
  }
  try {
    const { result } = await run(
      {
        ...contextOf(request),
        onQueued: (waiting) => {
          keepAlive.waiting = waiting
        },
        onServedBy: (served) => keepAlive.servedBy(served),
        onMoved: (served, move) => {
          log.warn(move, MOVED)
          // the head with its headers is out
          if (!exchange.signal.aborted)
            stream.write(`: tandem-fallback ${headerText(served.fallback ?? '')}\n\n`)
        },
      },
      (delta) => {
        if (!exchange.signal.aborted) write(frames.delta(delta))
      },
    )
    const served = keepAlive.correction
    write(frames.end(result, served && { served_by: served }))
  } catch (thrown) {
    const cause = causeOf(exchange, thrown)
    if (!stream.started) throw cause
    const error = fromFastify(cause)
    logFailure(log, request, error)
    stream.write(frames.fail(errorBody(error)))
  } finally {
    keepAlive.stop()
  }
  stream.end()
  return reply
}
