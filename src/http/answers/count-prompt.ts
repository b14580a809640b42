import type { FastifyRequest } from 'fastify'
import type { ChatRequest, PromptCount } from '../../domain/index.ts'
import type { HttpDeps } from '../deps.ts'
import { findModelFor } from '../model-names.ts'
import { checkImages } from './images.ts'

/**
 * Tokens of what a model would read.
 * @param name of the model, as the client sent it
 * @param read what it would read, of a body whose model is known
 * @throws TandemError MODEL_NOT_FOUND, INVALID_REQUEST, IMAGES_UNSUPPORTED
 */
export async function countPrompt(
  deps: HttpDeps,
  { exchange }: FastifyRequest,
  name: string,
  read: () => Pick<ChatRequest, 'messages' | 'tools' | 'toolChoice'>,
): Promise<PromptCount> {
  const { model } = findModelFor(deps, name, 'chat')
  const { messages, tools, toolChoice } = read()
  checkImages({ messages }, model, deps.models)
  return deps.serving.countPrompt(model.id, messages, toolChoice === 'none' ? [] : tools, exchange.signal)
}
