/** From our chat to OpenAI's, and what of its sampling a server understands. */
import {
  type ChatImage,
  type ChatMessage,
  type ChatRequest,
  type ChatTraits,
  imagesOf,
  type Sampling,
  type ServerKind,
  type ToolSpec,
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
    messages: toMessages(messages),
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

/** Servers take pictures in messages of the user only: those of tools' results follow in one. */
export function toMessages(messages: readonly ChatMessage[]): Record<string, unknown>[] {
  const sent: Record<string, unknown>[] = []
  let ofTools: readonly ChatImage[] = []
  const showThem = () => {
    if (ofTools.length > 0) sent.push({ role: 'user', content: ofTools.map(toPart) })
    ofTools = []
  }
  for (const message of messages) {
    if (message.role !== 'tool') showThem()
    else ofTools = [...ofTools, ...imagesOf(message)]
    sent.push(toMessage(message))
  }
  showThem()
  return sent
}

function toMessage(message: ChatMessage): Record<string, unknown> {
  if (message.role === 'tool')
    return { role: 'tool', content: message.content, tool_call_id: message.toolCallId }
  const { role, content } = message
  if (role === 'user') return { role, content: withImages(content, imagesOf(message)) }
  if (role !== 'assistant' || !message.toolCalls?.length) return { role, content }
  const tool_calls = message.toolCalls.map(({ id, name, arguments: text }) => ({
    id,
    type: 'function',
    function: { name, arguments: text },
  }))
  return { role, content: content === '' ? null : content, tool_calls }
}

/** A plain string where there are none: many servers know no other form. */
function withImages(content: string, images: readonly ChatImage[]): unknown {
  if (images.length === 0) return content
  const text = (from: number, to?: number) => {
    const part = content.slice(from, to)
    return part === '' ? [] : [{ type: 'text', text: part }]
  }
  const parts = images.flatMap((image, at) => [...text(images[at - 1]?.at ?? 0, image.at), toPart(image)])
  return [...parts, ...text(images.at(-1)?.at ?? 0)]
}

function toPart({ source, detail }: ChatImage): Record<string, unknown> {
  const url = 'url' in source ? source.url : `data:${source.type};base64,${source.base64}`
  return { type: 'image_url', image_url: { url, ...(detail === undefined ? {} : { detail }) } }
}
