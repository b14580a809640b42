import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { checkDimensions, rows } from '../../answers/vectors.ts'
import type { HttpDeps, ModelEntry } from '../../deps.ts'
import { modelForTask } from '../../model-names.ts'
import { contextOf, setServed } from '../../served-by.ts'
import { plainText, textInputs } from '../../text-inputs.ts'
import { parse, refuse } from '../../validate.ts'
import { withoutLatest } from './names.ts'
import { EmbedBody, OldEmbedBody } from './schema.ts'

const NS_PER_MS = 1e6

/** `/api/embed`, and `/api/embeddings` before it. */
export function embedRoutes(app: FastifyInstance, deps: HttpDeps): void {
  async function embed(
    request: FastifyRequest,
    reply: FastifyReply,
    model: ModelEntry,
    inputs: readonly string[],
  ) {
    const { result, servedBy } = await deps.serving.embed(
      { model: model.id, inputs, purpose: 'passage' },
      contextOf(request, inputs.length),
    )
    setServed(reply, servedBy)
    return result
  }

  app.post('/api/embed', async (request, reply) => {
    const startedMs = performance.now()
    const body = parse(EmbedBody, request.body)
    const model = modelForTask(deps, 'embed', withoutLatest(body.model))
    checkDimensions(body.dimensions, model.embedding)
    const given = body.input ?? []
    const inputs = typeof given === 'string' ? [given].filter((text) => text !== '') : given
    if (Array.isArray(inputs) && inputs.length === 0) return { model: body.model, embeddings: [] }
    const texts = textInputs(inputs, 'input', deps.config.server.maxInputs, plainText, 'a string')
    const result = await embed(request, reply, model, texts)
    const [tooLong] = result.truncated
    if (body.truncate === false && tooLong !== undefined)
      refuse(
        Array.isArray(given) ? `input.${tooLong}` : 'input',
        `is longer than the ${model.contextTokens} tokens that ${model.id} reads; shorten it, or leave \`truncate\` out`,
      )
    const took = Math.round((performance.now() - startedMs) * NS_PER_MS)
    return {
      model: body.model,
      embeddings: rows(result, body.dimensions ?? result.dimensions).map((vector) => [...vector]),
      total_duration: took,
      load_duration: 0,
      prompt_eval_count: result.tokens.reduce((sum, tokens) => sum + tokens, 0),
      tandem: { fingerprint: model.fingerprint, truncated_inputs: result.truncated },
    }
  })

  app.post('/api/embeddings', async (request, reply) => {
    const body = parse(OldEmbedBody, request.body)
    const model = modelForTask(deps, 'embed', withoutLatest(body.model))
    if ((body.prompt ?? '') === '') return { embedding: [] }
    const result = await embed(request, reply, model, [body.prompt!])
    return { embedding: [...rows(result, result.dimensions)[0]!] }
  })
}
