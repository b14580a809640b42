import type { FastifyInstance } from 'fastify'
import type { HttpDeps } from '../../deps.ts'
import { chatRoute } from './chat.ts'
import { completionsRoute } from './completions.ts'
import { embeddingsRoute } from './embeddings.ts'
import { modelRoutes } from './models.ts'
import { rerankRoute } from './rerank.ts'

/** `/v1/...` as OpenAI defines it, and reranking, which it lacks, as Jina and Cohere do. */
export function openaiRoutes(app: FastifyInstance, deps: HttpDeps): void {
  chatRoute(app, deps)
  completionsRoute(app, deps)
  embeddingsRoute(app, deps)
  modelRoutes(app, deps)
  rerankRoute(app, deps)
}
