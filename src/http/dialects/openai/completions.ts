import type { FastifyInstance } from 'fastify'
import type { CompletionRequest } from '../../../domain/index.ts'
import { type Run, runStream, runWhole } from '../../answers/run-answer.ts'
import type { HttpDeps, ModelEntry } from '../../deps.ts'
import { findModelFor } from '../../model-names.ts'
import { parse, refuse } from '../../validate.ts'
import { completionFrames, textCompletion } from './answer.ts'
import { answerHead } from './head.ts'
import { CompletionBody } from './schema.ts'
import { toCompletionRequest } from './translate.ts'

/** OpenAI's default for this route. */
const DEFAULT_MAX_TOKENS = 16

function withDefaults(asked: CompletionRequest, { chat: traits }: ModelEntry): CompletionRequest {
  const maxTokens = traits?.maxTokens ?? DEFAULT_MAX_TOKENS
  const temperature = traits?.temperature === undefined ? {} : { temperature: traits.temperature }
  return { ...asked, sampling: { maxTokens, ...temperature, ...asked.sampling } }
}

export function completionsRoute(app: FastifyInstance, deps: HttpDeps): void {
  app.post('/v1/completions', async (request, reply) => {
    const body = parse(CompletionBody, request.body)
    const { model, project } = findModelFor(deps, body.model, 'chat')
    if (project !== undefined) refuse('model', 'a project is searched for chats only (/v1/chat/completions)')
    const asked = withDefaults(toCompletionRequest(body, model.id), model)
    const head = answerHead('cmpl', body.model, model)
    const run: Run = (context, onDelta) => deps.serving.complete(asked, context, onDelta)
    if (!body.stream) return textCompletion(head, await runWhole(request, reply, run, deps.log))
    const frames = completionFrames(head, body.stream_options?.include_usage ?? false)
    return runStream(request, reply, frames, run, deps)
  })
}
