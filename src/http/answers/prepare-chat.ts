/** From a dialect's chat to what is run: the model, its defaults, and a project's passages before it. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ChatRequest } from '../../domain/index.ts'
import type { HttpDeps, ModelEntry } from '../deps.ts'
import { findModelFor } from '../model-names.ts'
import { type Grounded, groundChat, refusalResult } from '../retrieval-in-chat.ts'
import { contextOf, priorityOf } from '../served-by.ts'
import { refuse } from '../validate.ts'
import type { Run } from './run-answer.ts'
import type { AnswerExtras } from './tandem-part.ts'

/** What every dialect reads of its own body. */
export interface AskedChat {
  /** The name that the client sent. */
  readonly model: string
  /** The field that clients of every dialect may send. */
  readonly tandem?: { readonly project?: string | null | undefined } | null | undefined
  /** @param id of the model that is asked */
  readonly toRequest: (id: string) => ChatRequest
}

export interface PreparedChat {
  readonly model: ModelEntry
  readonly run: Run
  readonly extras: AnswerExtras
}

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
function projectOf({ tandem }: AskedChat, named: string | undefined): string | undefined {
  const field = tandem?.project ?? undefined
  if (field !== undefined && named !== undefined && field !== named)
    refuse('tandem.project', `is "${field}", but the model's name asks for "${named}"`)
  return field ?? named
}

/**
 * @throws TandemError INVALID_REQUEST, MODEL_NOT_FOUND, PROJECT_NOT_FOUND, CONTEXT_LENGTH_EXCEEDED
 */
export async function prepareChat(
  deps: HttpDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  asked: AskedChat,
): Promise<PreparedChat> {
  priorityOf(request)
  const { serving, projects } = deps
  const { model, project: named } = findModelFor(deps, asked.model, 'chat')
  const chat = withTraits(asked.toRequest(model.id), model)
  const project = projectOf(asked, named)
  const grounded: Grounded | { readonly chat: ChatRequest } =
    project === undefined
      ? { chat }
      : await groundChat({ serving, projects }, model, project, chat, contextOf(request))
  const extras = 'citations' in grounded ? { citations: grounded.citations } : {}
  const refusal = 'refusal' in grounded ? grounded.refusal : undefined
  if (refusal === undefined)
    return { model, extras, run: (context, onDelta) => serving.chat(grounded.chat, context, onDelta) }
  reply.header('x-tandem-refusal', 'true')
  return {
    model,
    extras,
    run: async (_, onDelta) => {
      onDelta({ type: 'text', text: refusal })
      return { result: refusalResult(refusal) }
    },
  }
}
