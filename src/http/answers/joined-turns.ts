import { type ChatMessage, imagesOf, type ToolCall } from '../../domain/index.ts'
import { shifted } from './images.ts'

/** Between texts that stand apart on the wire. */
export const APART = '\n\n'

const callsOf = (message: ChatMessage): readonly ToolCall[] =>
  message.role === 'assistant' ? (message.toolCalls ?? []) : []

/** Messages of one role in a row become one: they are one turn, and many templates refuse them apart. */
export function joinedTurns(messages: readonly ChatMessage[]): ChatMessage[] {
  const turns: ChatMessage[] = []
  for (const message of messages) {
    const last = turns.at(-1)
    if (last?.role !== message.role || last.role === 'tool' || message.role === 'tool') {
      turns.push(message)
      continue
    }
    const content = [last.content, message.content].filter((text) => text !== '').join(APART)
    const calls = [...callsOf(last), ...callsOf(message)]
    const images = [...imagesOf(last), ...shifted(imagesOf(message), content.length - message.content.length)]
    turns[turns.length - 1] = {
      ...last,
      content,
      ...(calls.length > 0 ? { toolCalls: calls } : {}),
      ...(images.length > 0 ? { images } : {}),
    }
  }
  return turns
}
