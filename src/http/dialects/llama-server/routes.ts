import type { FastifyInstance } from 'fastify'
import { type Run, runStream, runWhole } from '../../answers/run-answer.ts'
import { withTraits } from '../../answers/traits.ts'
import type { HttpDeps } from '../../deps.ts'
import { modelForTask } from '../../model-names.ts'
import { parse } from '../../validate.ts'
import { type InfillHead, infillFrames, wholeInfill } from './answer.ts'
import { DetokenizeBody, InfillBody, TokenizeBody } from './schema.ts'
import { toInfill, toTokenize } from './translate.ts'

/** What editors ask of a llama-server: its own `/tokenize`, `/detokenize`, `/infill`; without a name the first chat model answers. */
export function llamaServerRoutes(app: FastifyInstance, deps: HttpDeps): void {
  app.post('/tokenize', async (request) => {
    const body = parse(TokenizeBody, request.body)
    const { id } = modelForTask(deps, 'chat', body.model)
    return { tokens: await deps.serving.tokenize(id, toTokenize(body), request.exchange.signal) }
  })

  app.post('/detokenize', async (request) => {
    const { model, tokens } = parse(DetokenizeBody, request.body)
    const { id } = modelForTask(deps, 'chat', model)
    return { content: await deps.serving.detokenize(id, tokens, request.exchange.signal) }
  })

  app.post('/infill', async (request, reply) => {
    const body = parse(InfillBody, request.body)
    const model = modelForTask(deps, 'chat', body.model)
    const asked = withTraits(toInfill(body, model.id), model)
    const head: InfillHead = {
      model: model.id,
      silent: body.n_predict === 0,
      ...(body.response_fields ? { fields: body.response_fields } : {}),
    }
    const run: Run = (context, onDelta) => deps.serving.complete(asked, context, onDelta)
    if (!body.stream) return wholeInfill(head, (await runWhole(request, reply, run, deps.log)).result)
    return runStream(request, reply, infillFrames(head), run, deps)
  })
}
