/** What every request passes before its route: shutdown, Host, Origin with CORS, API key. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { TandemError } from '../domain/index.ts'
import { type AccessRules, checkHost, checkKey, checkOrigin } from './access.ts'
import type { OpenExchanges } from './exchange.ts'

/** Open to whoever reaches the server: they tell nothing but that it is there. */
const WITHOUT_KEY = ['/health', '/']

const EXPOSED =
  'x-tandem-device, x-tandem-engine, x-tandem-fallback, x-tandem-simulated, x-tandem-refusal, retry-after'

function allowOrigin(reply: FastifyReply, origin: string): void {
  reply.headers({
    'access-control-allow-origin': origin,
    'access-control-expose-headers': EXPOSED,
    vary: 'Origin',
  })
}

/** Answers a browser's question whether it may send the real request. */
function answerPreflight(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const asked = request.headers['access-control-request-headers'] ?? ''
  return reply
    .code(204)
    .headers({
      'access-control-allow-methods': 'GET, POST, DELETE',
      // Clients send headers of their own (x-stainless-...): any well-formed list is fine.
      'access-control-allow-headers': /^[\w\-, ]{0,4000}$/.test(asked)
        ? asked
        : 'authorization, content-type',
      'access-control-max-age': '600',
      ...(request.headers['access-control-request-private-network'] === 'true'
        ? { 'access-control-allow-private-network': 'true' }
        : {}),
    })
    .send()
}

export interface Guard {
  readonly rules: AccessRules
  readonly exchanges: OpenExchanges
  readonly isClosing: () => boolean
  readonly version: string
}

export function guard(app: FastifyInstance, { rules, exchanges, isClosing, version }: Guard): void {
  app.decorateRequest('exchange')
  app.addHook('onRequest', async (request, reply) => {
    request.exchange = exchanges.begin(reply.raw)
    reply.headers({
      server: `tandem/${version}`,
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'same-origin',
    })
    if (isClosing()) {
      reply.header('connection', 'close')
      throw new TandemError('SHUTTING_DOWN')
    }
    const { host, origin, authorization } = request.headers
    checkHost(rules, host, request.socket)
    if (checkOrigin(rules, origin, host ?? '')) allowOrigin(reply, origin!)
    const preflight = request.method === 'OPTIONS' && request.headers['access-control-request-method']
    if (origin !== undefined && preflight) return answerPreflight(request, reply)
    if (WITHOUT_KEY.includes(request.url.split('?', 1)[0]!)) return
    const xApiKey = request.headers['x-api-key']
    checkKey(rules, authorization, Array.isArray(xApiKey) ? xApiKey[0] : xApiKey)
  })
}
