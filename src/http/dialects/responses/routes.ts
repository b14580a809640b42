import type { FastifyInstance } from 'fastify'
import { countPrompt } from '../../answers/count-prompt.ts'
import { newId } from '../../answers/ids.ts'
import { prepareChat } from '../../answers/prepare-chat.ts'
import { runStream, runWhole } from '../../answers/run-answer.ts'
import type { HttpDeps } from '../../deps.ts'
import { parse } from '../../validate.ts'
import { responseFrames, wholeResponse } from './answer.ts'
import { InputTokensBody, ResponsesBody } from './schema.ts'
import { readPrompt, toChatRequest } from './translate.ts'

/** `/v1/responses` as OpenAI defines it, without what it would store. */
export function responsesRoutes(app: FastifyInstance, deps: HttpDeps): void {
  app.post('/v1/responses', async (request, reply) => {
    const body = parse(ResponsesBody, request.body)
    const read = readPrompt(body)
    const { model, tandem } = body
    const { run } = prepareChat(deps, request, reply, {
      model,
      tandem,
      toRequest: (id) => toChatRequest(body, read.prompt, id),
    })
    const head = { id: newId(''), createdAt: Math.floor(Date.now() / 1000), body, read }
    if (body.stream) return runStream(request, reply, responseFrames(head), run, deps)
    const { result, extras } = await runWhole(request, reply, run, deps.log)
    return wholeResponse(head, result, extras)
  })

  app.post('/v1/responses/input_tokens', async (request) => {
    const body = parse(InputTokensBody, request.body)
    const count = await countPrompt(deps, request, body.model, () => readPrompt(body).prompt)
    const tandem = count.estimated ? { tandem: { estimated: true } } : {}
    return { object: 'response.input_tokens', input_tokens: count.tokens, ...tandem }
  })
}
