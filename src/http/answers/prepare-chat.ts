/** From a dialect's chat to what is run: the model, its defaults, and a project's passages before it. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type ChatRequest, TandemError } from '../../domain/index.ts'
import { contextVector } from '../context-vector.ts'
import type { HttpDeps, ModelEntry } from '../deps.ts'
import { findModelFor } from '../model-names.ts'
import { type Grounded, groundChat, refusalResult } from '../retrieval-in-chat.ts'
import { contextOf, priorityOf } from '../served-by.ts'
import { refuse } from '../validate.ts'
import { checkImages } from './images.ts'
import type { Run } from './run-answer.ts'
import type { AnswerExtras } from './tandem-part.ts'
import { withTraits } from './traits.ts'

/** What every dialect reads of its own body. */
export interface AskedChat {
  /** The name that the client sent. */
  readonly model: string
  /** The field that clients of every dialect may send. */
  readonly tandem?: { readonly project?: string | null | undefined } | null | undefined
  /** The seed's field: the question as `/embed` gave it; retrieval goes by it. */
  readonly context?: unknown
  /** @param id of the model that is asked */
  readonly toRequest: (id: string) => ChatRequest
}

export interface PreparedChat {
  readonly model: ModelEntry
  readonly run: Run
  readonly extras: AnswerExtras
}

/** The project that the field or the model's name asks for. */
function projectOf({ tandem }: AskedChat, named: string | undefined): string | undefined {
  const field = tandem?.project ?? undefined
  if (field !== undefined && named !== undefined && field !== named)
    refuse('tandem.project', `is "${field}", but the model's name asks for "${named}"`)
  return field ?? named
}

/** @throws TandemError NO_PROJECT, PROJECT_AMBIGUOUS with their names */
function onlyProject(projects: HttpDeps['projects']): string {
  const [only, ...others] = projects?.list() ?? []
  if (!only) throw new TandemError('NO_PROJECT')
  if (others.length > 0)
    throw new TandemError('PROJECT_AMBIGUOUS', {
      known: [only, ...others].map(({ name }) => name).join(', '),
    })
  return only.name
}

/**
 * @throws TandemError INVALID_REQUEST, IMAGES_UNSUPPORTED, MODEL_NOT_FOUND, PROJECT_NOT_FOUND, CONTEXT_LENGTH_EXCEEDED
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
  checkImages(chat, model, deps.models)
  const vector = asked.context == null ? undefined : contextVector(deps, asked.context)
  const project = projectOf(asked, named) ?? (vector && onlyProject(projects))
  const grounded: Grounded | { readonly chat: ChatRequest } =
    project === undefined
      ? { chat }
      : await groundChat({ serving, projects }, model, project, chat, contextOf(request), vector)
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
