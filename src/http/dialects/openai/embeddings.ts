import type { FastifyInstance } from 'fastify'
import { checkDimensions, rows } from '../../answers/vectors.ts'
import type { HttpDeps } from '../../deps.ts'
import { modelForTask } from '../../model-names.ts'
import { contextOf, setServed } from '../../served-by.ts'
import { parse } from '../../validate.ts'
import { embedInputs, toBase64 } from './embed-inputs.ts'
import { EmbeddingsBody } from './schema.ts'

export function embeddingsRoute(app: FastifyInstance, deps: HttpDeps): void {
  app.post('/v1/embeddings', async (request, reply) => {
    const body = parse(EmbeddingsBody, request.body)
    const model = modelForTask(deps, 'embed', body.model)
    const inputs = embedInputs(body.input, deps.config.server.maxInputs)
    checkDimensions(body.dimensions, model.embedding)
    const { result, servedBy } = await deps.serving.embed(
      { model: model.id, inputs, purpose: body.input_type?.includes('query') ? 'query' : 'passage' },
      contextOf(request, inputs.length),
    )
    setServed(reply, servedBy)
    const encode = body.encoding_format === 'base64' ? toBase64 : (vector: Float32Array) => [...vector]
    const promptTokens = result.tokens.reduce((sum, tokens) => sum + tokens, 0)
    return {
      object: 'list',
      data: rows(result, body.dimensions ?? result.dimensions).map((vector, index) => ({
        object: 'embedding',
        index,
        embedding: encode(vector),
      })),
      model: body.model,
      usage: {
        prompt_tokens: promptTokens,
        total_tokens: promptTokens,
        ...(result.truncated.length > 0 ? { truncated: true } : {}),
      },
      tandem: { fingerprint: model.fingerprint, truncated_inputs: result.truncated },
    }
  })
}
