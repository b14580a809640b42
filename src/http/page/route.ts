import { randomBytes } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import type { HttpDeps } from '../deps.ts'
import { page } from './page.ts'

/** Some clients of Ollama look for these words at this address before they use its routes. */
const FOR_PROBES = '<!-- Ollama is running: its routes are under /api -->\n'

/** `GET /`: a page for browsers, JSON for clients that take only that. */
export function pageRoute(app: FastifyInstance, deps: HttpDeps): void {
  app.get('/', async (request, reply) => {
    const accept = request.headers.accept ?? ''
    if (accept.includes('application/json') && !accept.includes('text/html'))
      return {
        name: 'Tandem',
        version: deps.version,
        api: '/v1',
        health: '/health',
        status: '/tandem/v1/status',
      }
    const nonce = randomBytes(16).toString('base64')
    return reply
      .headers({
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
        'x-frame-options': 'DENY',
        'content-security-policy':
          `default-src 'none'; script-src 'nonce-${nonce}'; style-src 'nonce-${nonce}'; ` +
          "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      })
      .send(page(nonce, deps.version) + FOR_PROBES)
  })
}
