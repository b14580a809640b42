import type { FastifyInstance } from 'fastify'
import type { HttpDeps } from '../deps.ts'
import { modelForTask } from '../model-names.ts'
import { contextOf, setServed } from '../served-by.ts'
import { plainText, textInputs } from '../text-inputs.ts'
import { parse } from '../validate.ts'
import { ClassifyBody } from './schema.ts'

/** Labels of one row with their scores, the best first; equal ones in the model's order. */
function rankedLabels(labels: readonly string[], scores: Float32Array, topK: number | null | undefined) {
  return labels
    .map((label, at) => ({ label, score: scores[at]! }))
    .sort((a, b) => b.score - a.score)
    .slice(0, topK ?? undefined)
}

export function classifyRoute(app: FastifyInstance, deps: HttpDeps): void {
  app.post('/tandem/v1/classify', async (request, reply) => {
    const body = parse(ClassifyBody, request.body)
    const { maxInputs } = deps.config.server
    const given = typeof body.input === 'string' ? [body.input] : body.input
    const inputs = textInputs(given, 'input', maxInputs, plainText, 'a string')
    const model = modelForTask(deps, 'classify', body.model)
    const { result, servedBy } = await deps.serving.classify(
      { model: model.id, inputs },
      contextOf(request, inputs.length),
    )
    setServed(reply, servedBy)
    const { scores, width } = result
    const labels = model.classify?.labels ?? []
    return {
      model: model.id,
      engine: servedBy.engine,
      device: servedBy.device,
      results: inputs.map((_, index) => ({
        index,
        labels: rankedLabels(labels, scores.subarray(index * width, (index + 1) * width), body.top_k),
      })),
      usage: { total_tokens: result.tokens.reduce((sum, count) => sum + count, 0) },
      truncated_inputs: result.truncated,
    }
  })
}
