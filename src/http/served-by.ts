/** What every answer of a model says about who gave it, and what a request says about its priority. */
import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { PRIORITIES, type Priority, type ServedBy, TandemError } from '../domain/index.ts'
import type { RequestContext } from '../scheduling/contract.ts'

/** Without the header a request with more inputs is bulk. */
const INTERACTIVE_INPUTS = 16

/** A header value holds one line of visible ASCII. */
export const headerText = (text: string) => text.replace(/[^\x20-\x7e]+/g, ' ').slice(0, 500)

function servedHeaders(served: ServedBy): Record<string, string> {
  return {
    'x-tandem-device': headerText(served.device),
    'x-tandem-engine': served.engine,
    ...(served.fallback === undefined ? {} : { 'x-tandem-fallback': headerText(served.fallback) }),
    ...(served.simulated ? { 'x-tandem-simulated': 'true' } : {}),
  }
}

export function setServed(reply: FastifyReply, served: ServedBy): void {
  reply.headers(servedHeaders(served))
}

/** What the scheduler must know of every request. @throws TandemError INVALID_REQUEST for an unknown priority */
export function contextOf(
  request: FastifyRequest,
  inputs = 1,
): Pick<RequestContext, 'priority' | 'client' | 'signal'> {
  return {
    priority: priorityOf(request, inputs),
    client: clientOf(request),
    signal: request.exchange.signal,
  }
}

/** Their numbers: to ask for an address costs a system call. */
const connections = new WeakMap<object, string>()
let connected = 0

/** An API key, whatever connections it comes by, else a connection. */
function clientOf({ headers, socket }: FastifyRequest): string {
  const key = headers.authorization ?? headers['x-api-key']
  if (key === undefined) return connectionOf(socket)
  return createHash('sha256').update(String(key)).digest('base64url') // secrets are not kept
}

function connectionOf(socket: object): string {
  let name = connections.get(socket)
  if (name === undefined) {
    connected += 1
    name = `connection ${connected}`
    connections.set(socket, name)
  }
  return name
}

/** @throws TandemError INVALID_REQUEST for an unknown value of `x-tandem-priority` */
export function priorityOf(request: FastifyRequest, inputs = 1): Priority {
  const asked = request.headers['x-tandem-priority']
  if (asked === undefined) return inputs > INTERACTIVE_INPUTS ? 'bulk' : 'interactive'
  const known = PRIORITIES.find((priority) => priority === asked)
  if (known) return known
  throw new TandemError(
    'INVALID_REQUEST',
    { what: `the header x-tandem-priority is "${asked}"; allowed: ${PRIORITIES.join(', ')}` },
    { param: 'x-tandem-priority' },
  )
}
