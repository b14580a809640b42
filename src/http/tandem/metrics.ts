import type { FastifyInstance } from 'fastify'
import type { HttpDeps } from '../deps.ts'

/** For Prometheus; as every route but `/health` it asks for the key where one is configured. */
export function metricsRoute(app: FastifyInstance, { telemetry: { metrics } }: HttpDeps): void {
  app.get('/metrics', async (_, reply) => reply.type(metrics.contentType).send(await metrics.text()))
}
