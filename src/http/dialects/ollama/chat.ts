import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ChatRequest } from '../../../domain/index.ts'
import { prepareChat } from '../../answers/prepare-chat.ts'
import { type Run, runStream, runWhole } from '../../answers/run-answer.ts'
import { withTraits } from '../../answers/traits.ts'
import type { HttpDeps } from '../../deps.ts'
import { findModelFor } from '../../model-names.ts'
import { parse, refuse } from '../../validate.ts'
import {
  type AnswerHead,
  answerLines,
  loadedAnswer,
  type Say,
  sayGenerated,
  sayInChat,
  unloadedAnswer,
  wholeAnswer,
} from './answer.ts'
import { applyKeepAlive } from './keep-alive.ts'
import { withoutLatest } from './names.ts'
import { ChatBody, GenerateBody, type Options } from './schema.ts'
import { ignoredOptions, toChatRequest, toCompletionRequest, toGeneratedChat } from './translate.ts'

interface Asked {
  readonly model: string
  readonly stream?: boolean | null | undefined
  readonly options?: Options | null | undefined
  /** Milliseconds. */
  readonly keep_alive?: number | null | undefined
  readonly tandem?: { readonly project?: string | null | undefined } | null | undefined
}

function headOf({ model, options }: Asked): AnswerHead {
  const startedMs = performance.now()
  return {
    model,
    now: () => new Date().toISOString(),
    elapsedMs: () => performance.now() - startedMs,
    ignored: ignoredOptions(options),
  }
}

/** `/api/chat` and `/api/generate`. */
export function answerRoutes(app: FastifyInstance, deps: HttpDeps): void {
  async function answer(
    request: FastifyRequest,
    reply: FastifyReply,
    { model, stream, keep_alive }: Asked,
    head: AnswerHead,
    say: Say,
    run: Run,
  ): Promise<unknown> {
    const asked = findModelFor(deps, withoutLatest(model), 'chat').model
    try {
      if (stream !== false) return await runStream(request, reply, answerLines(head, say), run, deps)
      const { result, extras } = await runWhole(request, reply, run, deps.log)
      return wholeAnswer(head, say, result, extras)
    } finally {
      applyKeepAlive(deps, asked.id, keep_alive)
    }
  }

  /** Without a prompt a client asks for the model to be loaded, which a question of its length needs, or unloaded. */
  async function load(
    request: FastifyRequest,
    { model: name, keep_alive }: Asked,
    head: AnswerHead,
    say: Say,
  ) {
    const { model } = findModelFor(deps, withoutLatest(name), 'chat')
    applyKeepAlive(deps, model.id, keep_alive)
    if (keep_alive === 0) return unloadedAnswer(head, say)
    await deps.serving.countPrompt(model.id, [{ role: 'user', content: '' }], [], request.exchange.signal)
    return loadedAnswer(head, say)
  }

  const prepared = (
    request: FastifyRequest,
    reply: FastifyReply,
    { model, tandem }: Asked,
    toRequest: (id: string) => ChatRequest,
  ) => prepareChat(deps, request, reply, { model: withoutLatest(model), tandem, toRequest }).run

  app.post('/api/chat', async (request, reply) => {
    const body = parse(ChatBody, request.body)
    const head = headOf(body)
    if ((body.messages ?? []).length === 0) return load(request, body, head, sayInChat)
    const chat = prepared(request, reply, body, (id) => toChatRequest(body, id))
    return answer(request, reply, body, head, sayInChat, chat)
  })

  app.post('/api/generate', async (request, reply) => {
    const body = parse(GenerateBody, request.body)
    const head = headOf(body)
    if ((body.prompt ?? '') === '') return load(request, body, head, sayGenerated)
    if (!body.raw && !body.suffix) {
      const chat = prepared(request, reply, body, (id) => toGeneratedChat(body, id))
      return answer(request, reply, body, head, sayGenerated, chat)
    }
    const { model, project } = findModelFor(deps, withoutLatest(body.model), 'chat')
    if (project !== undefined)
      refuse('model', 'a project is searched for chats only; leave `raw` out, and `suffix`')
    const asked = withTraits(toCompletionRequest(body, model.id), model)
    const run: Run = (context, onDelta) => deps.serving.complete(asked, context, onDelta)
    return answer(request, reply, body, head, sayGenerated, run)
  })
}
