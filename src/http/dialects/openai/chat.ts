import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ChatRequest } from '../../../domain/index.ts'
import type { HttpDeps, ModelEntry } from '../../deps.ts'
import { findModelFor } from '../../model-names.ts'
import { type Grounded, groundChat, refusalResult } from '../../retrieval-in-chat.ts'
import { contextOf, priorityOf } from '../../served-by.ts'
import { parse, refuse } from '../../validate.ts'
import { chatCompletion, chatFrames } from './answer.ts'
import { answerHead, type Run, runStream, runWhole } from './run-answer.ts'
import { ChatBody } from './schema.ts'
import { toChatRequest } from './translate.ts'

/** The manifest's defaults where the request sets none. */
function withTraits(chat: ChatRequest, { chat: traits }: ModelEntry): ChatRequest {
  const { temperature, maxTokens } = traits ?? {}
  const defaults = {
    ...(temperature === undefined ? {} : { temperature }),
    ...(maxTokens === undefined ? {} : { maxTokens }),
  }
  return { ...chat, sampling: { ...defaults, ...chat.sampling } }
}

/** The project that the field or the model's name asks for. */
function projectOf(body: ChatBody, named: string | undefined): string | undefined {
  const field = body.tandem?.project ?? undefined
  if (field !== undefined && named !== undefined && field !== named)
    refuse('tandem.project', `is "${field}", but the model's name asks for "${named}"`)
  return field ?? named
}

export function chatRoute(app: FastifyInstance, deps: HttpDeps): void {
  async function ground(
    request: FastifyRequest,
    model: ModelEntry,
    project: string | undefined,
    chat: ChatRequest,
  ): Promise<Grounded | { readonly chat: ChatRequest }> {
    if (project === undefined) return { chat }
    return groundChat(
      { serving: deps.serving, projects: deps.projects },
      model,
      project,
      chat,
      contextOf(request),
    )
  }

  async function answer(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const body = parse(ChatBody, request.body)
    priorityOf(request)
    const { model, project } = findModelFor(deps.models(), body.model, 'chat')
    const asked = withTraits(toChatRequest(body, model.id), model)
    const grounded = await ground(request, model, projectOf(body, project), asked)
    const extras = 'citations' in grounded ? { citations: grounded.citations } : {}
    const head = answerHead('chatcmpl', body.model, model)
    const refusal = 'refusal' in grounded ? grounded.refusal : undefined
    if (refusal !== undefined) reply.header('x-tandem-refusal', 'true')
    const run: Run =
      refusal === undefined
        ? (context, onDelta) => deps.serving.chat(grounded.chat, context, onDelta)
        : async (_, onDelta) => {
            onDelta({ type: 'text', text: refusal })
            return { result: refusalResult(refusal) }
          }
    if (!body.stream) return chatCompletion(head, await runWhole(request, reply, run, deps.log), extras)
    const frames = chatFrames(head, body.stream_options?.include_usage ?? false, extras)
    return runStream(request, reply, frames, run, deps)
  }

  app.post('/v1/chat/completions', answer)
}
