/** Errors as the dialect of the route that was asked defines them. */
import type { FastifyReply } from 'fastify'
import type { TandemError } from '../domain/index.ts'
import { anthropicError } from './dialects/anthropic/error.ts'
import { llamaServerError } from './dialects/llama-server/answer.ts'
import { ollamaError } from './dialects/ollama/error.ts'
import { errorBody, errorHeaders } from './errors.ts'

/** By the beginning of the path; whatever is not named has OpenAI's form. */
const FORMS: Readonly<Record<string, (error: TandemError) => unknown>> = {
  '/v1/messages': anthropicError,
  '/api': ollamaError,
  '/tokenize': llamaServerError,
  '/detokenize': llamaServerError,
  '/infill': llamaServerError,
}

function formOf(url: string): (error: TandemError) => unknown {
  const path = url.split('?', 1)[0]!
  const [, form] = Object.entries(FORMS).find(([own]) => path === own || path.startsWith(`${own}/`)) ?? []
  return form ?? errorBody
}

export function sendError(reply: FastifyReply, error: TandemError): FastifyReply {
  const form = formOf(reply.request.url)
  return reply.code(error.status).headers(errorHeaders(error)).send(form(error))
}
