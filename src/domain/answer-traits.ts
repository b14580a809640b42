import type { ChatRequest, CompletionRequest } from './chat.ts'
import { imagesOf } from './image.ts'

/** What an engine must be able to take up in the middle, to go on with an answer that was begun elsewhere. */
export type AnswerTrait = 'chat' | 'text' | 'tools' | 'images' | 'json' | 'infill'

export function traitsOf(request: ChatRequest | CompletionRequest): AnswerTrait[] {
  if ('prompt' in request) return request.infill ? ['text', 'infill'] : ['text']
  const { messages, tools, toolChoice, responseFormat } = request
  const traits: AnswerTrait[] = ['chat']
  if (tools.length > 0 && toolChoice !== 'none') traits.push('tools')
  if (messages.some((message) => imagesOf(message).length > 0)) traits.push('images')
  if (responseFormat.type !== 'text') traits.push('json')
  return traits
}
