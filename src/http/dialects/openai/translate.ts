/** OpenAI's request bodies to the house's own requests. Pure. */
import type {
  ChatMessage,
  ChatRequest,
  CompletionRequest,
  ResponseFormat,
  Sampling,
} from '../../../domain/index.ts'
import { type ImagePart, imageAt, joinParts } from '../../answers/images.ts'
import { refuseSameNames, toolChoiceOf, toolSpec } from '../../answers/tools.ts'
import { parseField, refuse } from '../../validate.ts'
import { type ChatBody, type CompletionBody, ImageUrl } from './schema.ts'

interface Part {
  readonly type: string
  readonly text?: string | undefined
  readonly image_url?: unknown
}
type Content = string | readonly Part[]

/** @param param name of the field that holds it */
function textPart({ type, text }: Part, param: string): string {
  if (type === 'image_url') refuse(`${param}.type`, 'images stand in messages of the user only')
  if (type !== 'text') refuse(`${param}.type`, `"${type}" is not supported; models here read text and images`)
  return text ?? refuse(`${param}.text`, 'is required (expected string)')
}

function imagePart({ image_url: given }: Part, param: string): ImagePart {
  const { url, detail } = parseField(ImageUrl, given, `${param}.image_url`)
  return { source: imageAt(url, `${param}.image_url.url`), ...(detail == null ? {} : { detail }) }
}

/** Text parts are joined; a part of another type is refused by name. */
function textOf(content: Content, param: string): string {
  if (typeof content === 'string') return content
  return content.map((part, at) => textPart(part, `${param}.${at}`)).join('')
}

function ofUser(content: Content, param: string): ChatMessage {
  if (typeof content === 'string') return { role: 'user', content }
  const parts = content.map((part, at) => {
    const here = `${param}.${at}`
    return part.type === 'image_url' ? imagePart(part, here) : textPart(part, here)
  })
  return { role: 'user', ...joinParts(parts, '') }
}

function toMessage(message: ChatBody['messages'][number], at: number): ChatMessage {
  const param = `messages.${at}.content`
  switch (message.role) {
    case 'system':
    case 'developer':
      return { role: 'system', content: textOf(message.content, param) }
    case 'user':
      return ofUser(message.content, param)
    case 'tool':
      return { role: 'tool', content: textOf(message.content, param), toolCallId: message.tool_call_id }
    case 'assistant': {
      const content = message.content ? textOf(message.content, param) : (message.refusal ?? '')
      const calls = message.tool_calls ?? []
      if (message.content == null && message.refusal == null && calls.length === 0)
        refuse(param, 'is required (expected a string, or tool_calls beside it)')
      if (calls.length === 0) return { role: 'assistant', content }
      return {
        role: 'assistant',
        content,
        toolCalls: calls.map((call) => ({
          id: call.id,
          name: call.function.name,
          arguments: call.function.arguments,
        })),
      }
    }
  }
}

type SamplingBody = Omit<Pick<ChatBody, keyof CompletionBody & keyof ChatBody>, 'model' | 'logprobs'>

function toSampling(body: SamplingBody, maxTokens: number | null | undefined): Sampling {
  const stop = body.stop ?? []
  return {
    stop: typeof stop === 'string' ? [stop] : stop,
    ...(maxTokens == null ? {} : { maxTokens }),
    ...(body.temperature == null ? {} : { temperature: body.temperature }),
    ...(body.top_p == null ? {} : { topP: body.top_p }),
    ...(body.top_k == null ? {} : { topK: body.top_k }),
    ...(body.min_p == null ? {} : { minP: body.min_p }),
    // Engines take 32 bits; OpenAI's range is wider.
    ...(body.seed == null ? {} : { seed: ((body.seed % 2 ** 32) + 2 ** 32) % 2 ** 32 }),
    ...(body.frequency_penalty == null ? {} : { frequencyPenalty: body.frequency_penalty }),
    ...(body.presence_penalty == null ? {} : { presencePenalty: body.presence_penalty }),
  }
}

/** What would change the answer and cannot be done is refused, never ignored. */
function refuseUnsupported(body: SamplingBody): void {
  if ((body.n ?? 1) > 1) refuse('n', 'only 1 is supported; send the request again for another answer')
  if (Object.keys(body.logit_bias ?? {}).length > 0) refuse('logit_bias', 'is not supported')
}

function toTools(body: ChatBody): Pick<ChatRequest, 'tools' | 'toolChoice'> {
  const tools = (body.tools ?? []).map((tool) => toolSpec(tool.function))
  refuseSameNames(tools, (at) => `tools.${at}.function.name`)
  const choice = body.tool_choice ?? undefined
  const asked = typeof choice === 'object' ? choice.function : choice
  return { tools, toolChoice: toolChoiceOf(tools, asked, 'tool_choice.function.name') }
}

function toResponseFormat(format: ChatBody['response_format']): ResponseFormat {
  if (format?.type === 'json_schema') return { type: 'json_schema', schema: format.json_schema.schema }
  return { type: format?.type ?? 'text' }
}

/**
 * @param model id to ask, which the body's name was resolved to
 * @throws TandemError INVALID_REQUEST naming the field
 */
export function toChatRequest(body: ChatBody, model: string): ChatRequest {
  refuseUnsupported(body)
  if (body.messages.length === 0) refuse('messages', 'must hold at least one message')
  if (body.logprobs || body.top_logprobs != null) refuse('logprobs', 'is not supported')
  if (body.audio != null || body.modalities?.some((modality) => modality !== 'text'))
    refuse('modalities', 'only text is supported')
  if (body.functions != null || body.function_call != null)
    refuse('functions', 'is the old form and not supported; send `tools` and `tool_choice`')
  return {
    model,
    messages: body.messages.map(toMessage),
    sampling: toSampling(body, body.max_completion_tokens ?? body.max_tokens),
    responseFormat: toResponseFormat(body.response_format),
    ...toTools(body),
  }
}

/** @throws TandemError INVALID_REQUEST naming the field */
export function toCompletionRequest(body: CompletionBody, model: string): CompletionRequest {
  refuseUnsupported(body)
  if (body.echo) refuse('echo', 'is not supported')
  if ((body.best_of ?? 1) > 1) refuse('best_of', 'only 1 is supported')
  if (body.logprobs != null) refuse('logprobs', 'is not supported')
  const prompts = Array.isArray(body.prompt) ? (body.prompt as unknown[]) : [body.prompt]
  const [prompt] = prompts
  if (prompts.length !== 1 || typeof prompt !== 'string' || prompt === '')
    refuse('prompt', 'expected a string that is not empty, or an array of one such string')
  const infill =
    body.suffix == null || body.suffix === '' ? {} : { infill: { suffix: body.suffix, extra: [] } }
  return { model, prompt, ...infill, sampling: toSampling(body, body.max_tokens) }
}
