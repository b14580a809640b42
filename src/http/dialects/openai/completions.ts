import type { FastifyInstance } from 'fastify'
import { type Run, runStream, runWhole } from '../../answers/run-answer.ts'
import { withTraits } from '../../answers/traits.ts'
import type { HttpDeps } from '../../deps.ts'
import { findModelFor } from '../../model-names.ts'
import { parse, refuse } from '../../validate.ts'
import { completionFrames, textCompletion } from './answer.ts'
import { answerHead } from './head.ts'
import { CompletionBody } from './schema.ts'
import { toCompletionRequest } from './translate.ts'

/** OpenAI's default for this route. */
const DEFAULT_MAX_TOKENS = 16

export function completionsRoute(app: FastifyInstance, deps: HttpDeps): void {
  app.post('/v1/completions', async (request, reply) => {
    const body = parse(CompletionBody, request.body)
    const { model, project } = findModelFor(deps, body.model, 'chat')
    if (project !== undefined) refuse('model', 'a project is searched for chats only (/v1/chat/completions)')
    const asked = withTraits(toCompletionRequest(body, model.id), model)
    const sampling = { maxTokens: DEFAULT_MAX_TOKENS, ...asked.sampling }
    const head = answerHead('cmpl', body.model, model)
    const run: Run = (context, onDelta) => deps.serving.complete({ ...asked, sampling }, context, onDelta)
    if (!body.stream) return textCompletion(head, (await runWhole(request, reply, run, deps.log)).result)
    const frames = completionFrames(head, body.stream_options?.include_usage ?? false)
    return runStream(request, reply, frames, run, deps)
  })
}
