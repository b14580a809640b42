import type { FastifyInstance } from 'fastify'
import { prepareChat } from '../../answers/prepare-chat.ts'
import { runStream, runWhole } from '../../answers/run-answer.ts'
import type { HttpDeps } from '../../deps.ts'
import { modelForTask } from '../../model-names.ts'
import { parse, refuse } from '../../validate.ts'
import { chatCompletion, chatFrames } from './answer.ts'
import { answerHead } from './head.ts'
import { ChatBody } from './schema.ts'
import { toChatRequest } from './translate.ts'

export function chatRoute(app: FastifyInstance, deps: HttpDeps): void {
  app.post('/v1/chat/completions', async (request, reply) => {
    const body = parse(ChatBody, request.body)
    const { tandem, context } = body
    const model =
      body.model ??
      (context == null ? refuse('model', 'is required (expected string)') : modelForTask(deps, 'chat').id)
    const chat = prepareChat(deps, request, reply, {
      model,
      tandem,
      context,
      toRequest: (id) => toChatRequest(body, id),
    })
    const head = answerHead('chatcmpl', model, chat.model)
    if (!body.stream) {
      const { result, extras } = await runWhole(request, reply, chat.run, deps.log)
      return chatCompletion(head, result, extras)
    }
    const frames = chatFrames(head, body.stream_options?.include_usage ?? false)
    return runStream(request, reply, frames, chat.run, deps)
  })
}
