/** From our chat to OpenAI's, and what of its sampling a server understands. */
import type {
  ChatMessage,
  ChatRequest,
  ChatTraits,
  Sampling,
  ServerKind,
  ToolSpec,
} from '../../domain/index.ts'

/** A provider refuses fields that it does not know; local servers know these, or pass over them. */
const STRICT: readonly ServerKind[] = ['openai', 'ovms']

/** Body of a streamed `/chat/completions`. */
export function chatBody(
  request: ChatRequest,
  as: string,
  kind: ServerKind,
  traits: ChatTraits | undefined,
): Record<string, unknown> {
  const { messages, tools, toolChoice, sampling } = request
  return {
    model: as,
    messages: messages.map(toMessage),
    stream: true,
    stream_options: { include_usage: true },
    ...samplingBody(sampling, kind, traits),
    ...formatBody(request),
    ...(tools.length > 0
      ? {
          tools: tools.map(toTool),
          tool_choice:
            typeof toolChoice === 'string'
              ? toolChoice
              : { type: 'function', function: { name: toolChoice.name } },
        }
      : {}),
  }
}

/** What is the same for chats and for raw text. */
export function samplingBody(
  sampling: Sampling,
  kind: ServerKind,
  traits: ChatTraits | undefined,
): Record<string, unknown> {
  const { topK, minP, stop } = sampling
  const given = {
    max_tokens: sampling.maxTokens ?? traits?.maxTokens,
    temperature: sampling.temperature ?? traits?.temperature,
    top_p: sampling.topP,
    seed: sampling.seed,
    frequency_penalty: sampling.frequencyPenalty,
    presence_penalty: sampling.presencePenalty,
    stop: stop.length > 0 ? stop : undefined,
    ...(STRICT.includes(kind) ? {} : { top_k: topK, min_p: minP }),
  }
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}

function formatBody({ responseFormat }: ChatRequest): Record<string, unknown> {
  switch (responseFormat.type) {
    case 'text':
      return {}
    case 'json_object':
      return { response_format: { type: 'json_object' } }
    case 'json_schema':
      return {
        response_format: {
          type: 'json_schema',
          json_schema: { name: 'answer', strict: true, schema: responseFormat.schema },
        },
      }
    default:
      return responseFormat satisfies never
  }
}

export function toTool(tool: ToolSpec): Record<string, unknown> {
  return { type: 'function', function: tool }
}

export function toMessage(message: ChatMessage): Record<string, unknown> {
  if (message.role === 'tool')
    return { role: 'tool', content: message.content, tool_call_id: message.toolCallId }
  const { role, content } = message
  if (role !== 'assistant' || !message.toolCalls?.length) return { role, content }
  const tool_calls = message.toolCalls.map(({ id, name, arguments: text }) => ({
    id,
    type: 'function',
    function: { name, arguments: text },
  }))
  return { role, content: content === '' ? null : content, tool_calls }
}
