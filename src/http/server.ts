/** The HTTP server: what is around every route. The routes themselves stand in their folders. */
import type { AddressInfo } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import { TandemError } from '../domain/index.ts'
import type { AccessRules } from './access.ts'
import { parseJsonBody } from './body.ts'
import { clientErrorHandler } from './client-error.ts'
import { type HttpDeps, TIMING } from './deps.ts'
import { anthropicRoutes } from './dialects/anthropic/routes.ts'
import { llamaServerRoutes } from './dialects/llama-server/routes.ts'
import { ollamaRoutes } from './dialects/ollama/routes.ts'
import { openaiRoutes } from './dialects/openai/routes.ts'
import { responsesRoutes } from './dialects/responses/routes.ts'
import { seedRoutes } from './dialects/seed/embed.ts'
import { fromFastify, logFailure } from './errors.ts'
import { causeOf, OpenExchanges } from './exchange.ts'
import { FurtherPorts, furtherAddresses } from './further-ports.ts'
import { guard } from './guard.ts'
import { bareHost, checkExposure, listenError, serverUrl } from './listen.ts'
import { refuseOtherMethods } from './methods.ts'
import { pageRoute } from './page/route.ts'
import { sendError } from './send-error.ts'
import { tandemRoutes } from './tandem/routes.ts'

/** Readers of events may take three quarters of them. */
const MAX_CONNECTIONS = 4_096
const MAX_HEADER_BYTES = 16_384
/** Project names and hub ids with their escapes. */
const MAX_PARAM_LENGTH = 1_024
/** How long the last words of a cut answer get to leave. */
const LAST_WORDS_MS = 200

export interface Listening {
  /** The address for clients, e.g. `http://127.0.0.1:8420`. */
  readonly url: string
  /** Further ones, in the order of the configuration. */
  readonly alsoAt: readonly string[]
  /** Sentences: further ports that could not be had. */
  readonly problems: readonly string[]
}

export interface HttpServer {
  /** @throws TandemError PORT_TAKEN, CONFIG_INVALID; a further port that cannot be had is a problem to tell only */
  listen(): Promise<Listening>
  /** Takes no new requests; running ones get `graceMs`, then they end with an error. */
  close(graceMs: number): Promise<void>
}

function handleErrors(app: FastifyInstance, deps: HttpDeps): void {
  app.setErrorHandler((thrown, request, reply) => {
    const error = fromFastify(causeOf(request.exchange, thrown), deps.config.server.maxBodyBytes)
    logFailure(deps.log, request, error)
    if (error.status === 413) reply.header('connection', 'close') // the rest of the body is not read
    return sendError(reply, error)
  })
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0]!.slice(0, 200)
    const what = `route ${request.method} ${path}${routeHint(path)}`
    return sendError(reply, new TandemError('NOT_FOUND', { what }))
  })
}

/** By a callback: a promise is another turn for each request. */
function takeJson(_: unknown, bytes: Buffer, done: (error: Error | null, body?: unknown) => void): void {
  let body: unknown
  try {
    body = parseJsonBody(bytes)
  } catch (thrown) {
    done(thrown as TandemError)
    return
  }
  done(null, body)
}

/** Clients of these routes send JSON under whatever name curl and Python's libraries give it. */
function takeAnyContentType(scope: FastifyInstance): void {
  scope.addContentTypeParser('*', { parseAs: 'buffer' }, takeJson)
}

function routeHint(path: string): string {
  if (/^\/api\/(create|copy|delete|push|blobs)\b/.test(path))
    return '; Tandem fetches models (`tandem pull`, /api/pull) and changes none'
  const known = /^\/(chat|completions|embeddings|models|rerank|responses)\b/.test(path)
  return known ? `; OpenAI's API is under /v1${path}` : ''
}

/**
 * Wires the routes; nothing listens yet.
 * @throws TandemError CONFIG_INVALID when another address than loopback has no API key
 */
export async function createHttpServer(deps: HttpDeps): Promise<HttpServer> {
  const { host, port, apiKey, allowedHosts, allowedOrigins, maxBodyBytes } = deps.config.server
  checkExposure(host, apiKey)
  const rules: AccessRules = { host, allowedHosts, allowedOrigins, apiKey }
  const timing = { ...TIMING, ...deps.timing }
  const exchanges = new OpenExchanges()
  let closing = false

  const app = Fastify({
    logger: false,
    bodyLimit: maxBodyBytes,
    requestTimeout: timing.requestTimeoutMs,
    forceCloseConnections: true, // `close` below has waited as long as it was told to
    http: {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: timing.requestTimeoutMs,
      connectionsCheckingInterval: Math.min(1_000, timing.requestTimeoutMs),
    },
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    clientErrorHandler: clientErrorHandler(timing.requestTimeoutMs),
    frameworkErrors: (error, _request, reply) => {
      sendError(reply, fromFastify(error))
    },
    return503OnClosing: false, // the guard says it in the dialect's form
  })
  app.server.maxConnections = MAX_CONNECTIONS
  app.server.on('drop', () =>
    deps.log.warn({ limit: MAX_CONNECTIONS }, 'too many connections: one was refused'),
  )
  const further = new FurtherPorts(app.server)
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, takeJson)
  handleErrors(app, deps)
  guard(app, { rules, exchanges, isClosing: () => closing, version: deps.version })
  const refuseOthers = refuseOtherMethods(app)
  openaiRoutes(app, deps)
  responsesRoutes(app, deps)
  anthropicRoutes(app, deps)
  await app.register(async (scope) => {
    takeAnyContentType(scope)
    ollamaRoutes(scope, deps)
    seedRoutes(scope, deps)
    llamaServerRoutes(scope, deps)
  })
  const endEvents = tandemRoutes(app, deps, timing)
  pageRoute(app, deps)
  refuseOthers()
  await app.ready()

  return {
    async listen() {
      try {
        await app.listen({ host: bareHost(host), port })
      } catch (thrown) {
        throw await listenError(thrown, host, port)
      }
      const taken = (app.server.address() as AddressInfo).port
      const wanted = furtherAddresses(deps.config.server, taken)
      return { url: serverUrl(host, taken), ...(await further.listen(wanted)) }
    },

    async close(graceMs) {
      closing = true
      further.close()
      endEvents()
      app.server.close()
      app.server.closeIdleConnections()
      if (!(await exchanges.idleWithin(graceMs))) {
        exchanges.abortAll(new TandemError('SHUTTING_DOWN'))
        await exchanges.idleWithin(LAST_WORDS_MS)
      }
      await app.close()
    },
  }
}
