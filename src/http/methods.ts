/** A known path with another method: 405 that names the right ones, instead of a 404. */
import type { FastifyInstance } from 'fastify'
import { TandemError } from '../domain/index.ts'

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

/** @returns call it once all routes are registered */
export function refuseOtherMethods(app: FastifyInstance): () => void {
  const known = new Map<string, Set<string>>()
  app.addHook('onRoute', ({ url, method }) => {
    const methods = known.get(url) ?? new Set()
    for (const one of [method].flat()) methods.add(one.toUpperCase())
    known.set(url, methods)
  })
  return () => {
    for (const [url, taken] of [...known]) {
      const allowed = [...taken].filter((method) => method !== 'HEAD').join(', ')
      app.route({
        url,
        method: METHODS.filter((method) => !taken.has(method)),
        // Before the body is read: it is of no use.
        onRequest: async (request) => {
          throw new TandemError('METHOD_NOT_ALLOWED', { path: request.url.split('?', 1)[0]!, allowed })
        },
        handler: async () => undefined,
      })
    }
  }
}
