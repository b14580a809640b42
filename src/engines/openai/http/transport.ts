/** Requests to another server, on connections of their own: llama-server closes those that it announces to keep. */
import {
  type ClientRequest,
  request as httpRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http'
import { Agent, request as httpsRequest } from 'node:https'
import { type Place, placeOf } from './place.ts'
import type { SpareConnection } from './spare-connection.ts'

/** A TLS handshake costs too much for each request. */
const tls = new Agent({ keepAlive: true, maxSockets: 64, timeout: 15_000 })
/** llama-server resets some fresh connections under load; until the first byte of an answer nothing was begun for us. */
const RETRIES = 2
const AGAIN = ['ECONNRESET', 'EPIPE']

export interface Target {
  /** Without a slash at its end. */
  readonly url: string
  /** What `url` says; absent: it is read with each request. */
  readonly place?: Place
  /** API key; absent: none is sent. */
  readonly key?: string | undefined
  /** Of a server without TLS: the next request goes by it. */
  readonly spare?: SpareConnection | undefined
  /** Requests that go on, for whoever ends them all; absent: nobody does. */
  readonly open?: Set<ClientRequest>
}

export interface Ask {
  /** As it is sent: encoded. */
  readonly path: string
  /** Sent as JSON by POST; absent: GET. */
  readonly body?: unknown
  readonly signal: AbortSignal
  /** Milliseconds until the head of the answer; absent: as long as it takes. */
  readonly headMs?: number
}

/**
 * Sends a request and waits for the head of its answer.
 * @throws Error when no answer begins, the signal's reason
 */
export async function ask(target: Target, question: Ask): Promise<IncomingMessage> {
  for (let left = RETRIES; ; left--) {
    try {
      return await once(target, question)
    } catch (thrown) {
      question.signal.throwIfAborted()
      if (left === 0 || !AGAIN.includes((thrown as NodeJS.ErrnoException).code ?? '')) throw thrown
    }
  }
}

function once(
  { url, place = placeOf(url), key, spare, open }: Target,
  { path, body, signal, headMs }: Ask,
): Promise<IncomingMessage> {
  const isTls = place.protocol === 'https:'
  const text = body === undefined ? undefined : JSON.stringify(body)
  const headers = ['host', place.host, 'accept', 'application/json, text/event-stream']
  if (text !== undefined)
    headers.push('content-type', 'application/json', 'content-length', String(Buffer.byteLength(text)))
  const authorization = key === undefined ? place.authorization : `Bearer ${key}`
  if (authorization !== undefined) headers.push('authorization', authorization)
  const options: RequestOptions = {
    protocol: place.protocol,
    hostname: place.hostname,
    port: place.port,
    path: place.path + path,
    method: text === undefined ? 'GET' : 'POST',
    ...(isTls ? { agent: tls } : spare ? { createConnection: () => spare.take() } : { agent: false }),
    headers, // an array is sent as it is: half of what an object costs
  }
  return new Promise((resolve, reject) => {
    const sent = (isTls ? httpsRequest : httpRequest)(options)
    const leave = () => sent.destroy(signal.reason) // at a fifth of what the option `signal` costs
    signal.addEventListener('abort', leave, { once: true })
    if (signal.aborted) leave()
    open?.add(sent)
    sent.once('close', () => {
      signal.removeEventListener('abort', leave)
      open?.delete(sent)
      reject(new Error('it closed the connection without an answer')) // such as one that wants another protocol
    })
    const timer =
      headMs === undefined
        ? undefined
        : setTimeout(() => sent.destroy(new Error(`no answer within ${headMs} ms`)), headMs)
    sent.once('response', (answer) => {
      clearTimeout(timer)
      spare?.openSoon()
      resolve(answer)
    })
    // for its whole life: one that nobody hears would end this process
    sent.on('error', (error) => {
      clearTimeout(timer)
      reject(error)
    })
    sent.end(text)
  })
}

/** Text of an answer. @throws Error past `limit` bytes, or when it breaks off */
export async function textOf(answer: IncomingMessage, limit: number): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > limit) {
      answer.destroy()
      throw new Error(`its answer has more than ${limit} bytes`)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
