/** Ollama's request bodies to the house's own requests. Pure. */
import type {
  ChatMessage,
  ChatRequest,
  CompletionRequest,
  ResponseFormat,
  Sampling,
  ToolCall,
} from '../../../domain/index.ts'
import { imageOf, joinParts } from '../../answers/images.ts'
import { refuseSameNames, toolSpec } from '../../answers/tools.ts'
import { refuse } from '../../validate.ts'
import type { ChatBody, GenerateBody, Message, Options } from './schema.ts'

const SAMPLING = [
  'temperature',
  'top_p',
  'top_k',
  'min_p',
  'seed',
  'num_predict',
  'frequency_penalty',
  'presence_penalty',
  'stop',
]

/** They only say how a model is loaded or computed, which the plan decides here. */
const LOADING = [
  'num_ctx',
  'num_batch',
  'num_gpu',
  'main_gpu',
  'num_thread',
  'num_keep',
  'numa',
  'low_vram',
  'f16_kv',
  'vocab_only',
  'use_mmap',
  'use_mlock',
  'embedding_only',
]

/** Options that would change the answer and do nothing here, by name: the answer tells them. */
export function ignoredOptions(options: Options | null | undefined): string[] {
  const known = [...SAMPLING, ...LOADING]
  return Object.keys(options ?? {})
    .filter((name) => !known.includes(name))
    .slice(0, 20)
}

function toSampling(options: Options | null | undefined): Sampling {
  const { temperature, top_p, top_k, min_p, seed, num_predict, frequency_penalty, presence_penalty, stop } =
    options ?? {}
  const stops = typeof stop === 'string' ? [stop] : (stop ?? [])
  return {
    stop: stops.filter((each) => each !== ''),
    ...(num_predict == null || num_predict < 1 ? {} : { maxTokens: num_predict }),
    ...(temperature == null ? {} : { temperature }),
    ...(top_p == null ? {} : { topP: top_p }),
    ...(top_k == null ? {} : { topK: top_k }),
    ...(min_p == null ? {} : { minP: min_p }),
    // a negative one stands for any
    ...(seed == null || seed < 0 ? {} : { seed: seed % 2 ** 32 }),
    ...(frequency_penalty == null ? {} : { frequencyPenalty: frequency_penalty }),
    ...(presence_penalty == null ? {} : { presencePenalty: presence_penalty }),
  }
}

function toFormat(format: ChatBody['format']): ResponseFormat {
  if (format == null || format === '') return { type: 'text' }
  return format === 'json' ? { type: 'json_object' } : { type: 'json_schema', schema: format }
}

/** They stand before the text, as Ollama puts them. */
function withImages(text: string, images: Message['images'], param: string) {
  const parts = (images ?? []).map((each, at) => ({ source: imageOf(each, `${param}.${at}`) }))
  return joinParts([...parts, text], '')
}

function refuseLogprobs({ logprobs }: Pick<ChatBody, 'logprobs'>): void {
  if (logprobs) refuse('logprobs', 'is not supported')
}

/** Calls need no ids there: a result belongs to the first call of its name that has none yet. */
function toMessages(messages: readonly Message[]): ChatMessage[] {
  let waiting: ToolCall[] = []
  let made = 0
  const answered = ({ tool_call_id: id, tool_name: name }: Message): string => {
    const call =
      waiting.find((each) => each.id === id) ??
      (id == null ? waiting.find((each) => name == null || each.name === name) : undefined)
    waiting = waiting.filter((each) => each !== call)
    return call?.id ?? id ?? name ?? ''
  }
  return messages.map((message, at): ChatMessage => {
    const content = message.content ?? ''
    const param = `messages.${at}.images`
    if (message.role === 'user') return { role: 'user', ...withImages(content, message.images, param) }
    if (message.images?.length) refuse(param, 'images stand in messages of the user only')
    if (message.role === 'tool') return { role: 'tool', content, toolCallId: answered(message) }
    if (message.role !== 'assistant') return { role: message.role, content }
    const toolCalls = (message.tool_calls ?? []).map((call): ToolCall => {
      made += 1
      const { name, arguments: args } = call.function
      return { id: call.id ?? `call_${made}`, name, arguments: JSON.stringify(args ?? {}) }
    })
    waiting = [...waiting, ...toolCalls]
    return { role: 'assistant', content, ...(toolCalls.length > 0 ? { toolCalls } : {}) }
  })
}

/**
 * @param model id to ask, which the body's name was resolved to
 * @throws TandemError INVALID_REQUEST naming the field
 */
export function toChatRequest(body: ChatBody, model: string): ChatRequest {
  refuseLogprobs(body)
  const tools = (body.tools ?? []).map((tool) => toolSpec(tool.function))
  refuseSameNames(tools, (at) => `tools.${at}.function.name`)
  return {
    model,
    messages: toMessages(body.messages ?? []),
    sampling: toSampling(body.options),
    responseFormat: toFormat(body.format),
    tools,
    toolChoice: tools.length > 0 ? 'auto' : 'none',
  }
}

function refuseInGenerate(body: GenerateBody): void {
  refuseLogprobs(body)
  if (body.template) refuse('template', "is not supported; the model's own is used, or none with `raw`")
  if (body.context && body.context.length > 0)
    refuse('context', 'is not supported; send the whole conversation to /api/chat')
}

/** @throws TandemError INVALID_REQUEST naming the field */
export function toGeneratedChat(body: GenerateBody, model: string): ChatRequest {
  refuseInGenerate(body)
  const system: ChatMessage[] = body.system ? [{ role: 'system', content: body.system }] : []
  return {
    model,
    messages: [...system, { role: 'user', ...withImages(body.prompt ?? '', body.images, 'images') }],
    sampling: toSampling(body.options),
    responseFormat: toFormat(body.format),
    tools: [],
    toolChoice: 'none',
  }
}

/** With `raw`: the prompt as it is; with `suffix`: what stands between the two. @throws TandemError INVALID_REQUEST naming the field */
export function toCompletionRequest(body: GenerateBody, model: string): CompletionRequest {
  refuseInGenerate(body)
  const field = body.suffix ? 'suffix' : 'raw'
  if (body.system) refuse('system', `does not go with \`${field}\`, whose prompt is sent as it is`)
  if (body.format) refuse('format', `does not go with \`${field}\``)
  if (body.images?.length) refuse('images', `do not go with \`${field}\``)
  const infill = body.suffix ? { infill: { suffix: body.suffix, extra: [] } } : {}
  return { model, prompt: body.prompt ?? '', ...infill, sampling: toSampling(body.options) }
}
