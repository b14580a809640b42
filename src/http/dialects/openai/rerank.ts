/** `/v1/rerank` as Jina and Cohere define it. */
import { randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import type { HttpDeps } from '../../deps.ts'
import { modelForTask } from '../../model-names.ts'
import { contextOf, setServed } from '../../served-by.ts'
import { plainText, textInputs } from '../../text-inputs.ts'
import { parse } from '../../validate.ts'
import { RerankBody } from './schema.ts'

/** A document is a text, or an object that holds it as `text`. */
function documentText(value: unknown): string | undefined {
  const inner = typeof value === 'object' && value !== null && 'text' in value ? value.text : value
  return plainText(inner)
}

export function rerankRoute(app: FastifyInstance, deps: HttpDeps): void {
  app.post('/v1/rerank', async (request, reply) => {
    const body = parse(RerankBody, request.body)
    const { maxInputs } = deps.config.server
    const expected = 'a string or an object with a string `text`'
    const documents = textInputs(body.documents, 'documents', maxInputs, documentText, expected)
    const model = modelForTask(deps, 'rerank', body.model)
    const limit = body.max_tokens_per_doc
    const { result, servedBy } = await deps.serving.rerank(
      {
        model: model.id,
        query: body.query,
        documents,
        ...(limit == null ? {} : { maxTokensPerDocument: limit }),
      },
      contextOf(request, documents.length),
    )
    setServed(reply, servedBy)
    const tokens = result.tokens.reduce((sum, count) => sum + count, 0)
    const ranked = documents
      .map((text, index) => ({
        index,
        relevance_score: result.scores[index]!,
        ...(body.return_documents ? { document: { text } } : {}),
      }))
      .sort((a, b) => b.relevance_score - a.relevance_score || a.index - b.index)
    return {
      id: `rerank-${randomUUID().replaceAll('-', '')}`,
      object: 'list',
      model: body.model ?? model.id,
      usage: { prompt_tokens: tokens, total_tokens: tokens },
      results: ranked.slice(0, body.top_n ?? undefined),
      tandem: { truncated_documents: result.truncated },
    }
  })
}
