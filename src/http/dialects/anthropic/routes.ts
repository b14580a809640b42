import type { FastifyInstance } from 'fastify'
import { countPrompt } from '../../answers/count-prompt.ts'
import { newId } from '../../answers/ids.ts'
import { prepareChat } from '../../answers/prepare-chat.ts'
import { runStream, runWhole } from '../../answers/run-answer.ts'
import type { HttpDeps } from '../../deps.ts'
import { parse } from '../../validate.ts'
import { messageFrames, wholeMessage } from './answer.ts'
import { CountBody, MessagesBody } from './schema.ts'
import { toChatRequest, toPrompt } from './translate.ts'

/** `/v1/messages` as Anthropic defines it. */
export function anthropicRoutes(app: FastifyInstance, deps: HttpDeps): void {
  app.post('/v1/messages', async (request, reply) => {
    const body = parse(MessagesBody, request.body)
    const { model, tandem } = body
    const { run } = prepareChat(deps, request, reply, {
      model,
      tandem,
      toRequest: (id) => toChatRequest(body, id),
    })
    const head = { id: newId('msg_'), model }
    if (body.stream) return runStream(request, reply, messageFrames(head), run, deps)
    const { result, extras } = await runWhole(request, reply, run, deps.log)
    return wholeMessage(head, result, extras)
  })

  app.post('/v1/messages/count_tokens', async (request) => {
    const body = parse(CountBody, request.body)
    const { tokens, estimated } = await countPrompt(deps, request, body.model, () => toPrompt(body))
    return { input_tokens: tokens, ...(estimated ? { tandem: { estimated } } : {}) }
  })
}
