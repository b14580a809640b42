import type { FastifyInstance } from 'fastify'
import type { HttpDeps } from '../../deps.ts'
import { answerRoutes } from './chat.ts'
import { embedRoutes } from './embed.ts'
import { modelRoutes } from './models.ts'
import { pullRoute } from './pull.ts'

/** `/api/...` as Ollama defines it. */
export function ollamaRoutes(app: FastifyInstance, deps: HttpDeps): void {
  answerRoutes(app, deps)
  embedRoutes(app, deps)
  modelRoutes(app, deps)
  pullRoute(app, deps)
}
