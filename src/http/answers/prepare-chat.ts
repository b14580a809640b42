/** From a dialect's chat to what is run: the model, its defaults, and a project's passages before it. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type ChatRequest, TandemError } from '../../domain/index.ts'
import { contextVector } from '../context-vector.ts'
import type { HttpDeps, ModelEntry } from '../deps.ts'
import { findModelFor } from '../model-names.ts'
import { groundChat, refusalResult } from '../retrieval-in-chat.ts'
import { priorityOf } from '../served-by.ts'
import { refuse } from '../validate.ts'
import { checkImages } from './images.ts'
import type { Run } from './run-answer.ts'
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
 * Checks a chat; a project's passages are searched for when it is run, so that a stream can say that it waits.
 * @throws TandemError INVALID_REQUEST, IMAGES_UNSUPPORTED, MODEL_NOT_FOUND; `run` also PROJECT_NOT_FOUND,
 * CONTEXT_LENGTH_EXCEEDED and what a search and the model fail of
 */
export function prepareChat(
  deps: HttpDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  asked: AskedChat,
): PreparedChat {
  priorityOf(request)
  const { serving, projects } = deps
  const { model, project: named } = findModelFor(deps, asked.model, 'chat')
  const chat = withTraits(asked.toRequest(model.id), model)
  checkImages(chat, model, deps.models)
  const vector = asked.context == null ? undefined : contextVector(deps, asked.context)
  const project = projectOf(asked, named) ?? (vector && onlyProject(projects))
  if (project === undefined) return { model, run: (context, onDelta) => serving.chat(chat, context, onDelta) }
  const run: Run = async (context, onDelta) => {
    const { priority, client, signal } = context
    context.onPhase({ text: `searching the project ${project}`, expected: serving.expected(model.id) })
    const asker = { priority, ...(client ? { client } : {}), ...(signal ? { signal } : {}) }
    const grounded = await groundChat({ serving, projects }, model, project, chat, asker, vector)
    const { citations, refusal } = grounded
    if (refusal === undefined)
      return { ...(await serving.chat(grounded.chat, context, onDelta)), extras: { citations } }
    reply.header('x-tandem-refusal', 'true')
    onDelta({ type: 'text', text: refusal })
    return { result: refusalResult(refusal), extras: { citations, refusal: true } }
  }
  return { model, run }
}
