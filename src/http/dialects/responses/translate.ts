/** Bodies of Responses to the house's own requests. Pure. */
import type { ChatMessage, ChatRequest, ResponseFormat } from '../../../domain/index.ts'
import { type ImagePart, imageAt, joinParts } from '../../answers/images.ts'
import { APART, joinedTurns } from '../../answers/joined-turns.ts'
import { refuse } from '../../validate.ts'
import type { Content, InputTokensBody, Item, ResponsesBody } from './schema.ts'
import { customArguments, plainName, type ReadTools, readTools } from './tools.ts'

type Part = Exclude<Content, string>[number]

function partOf(part: Part, param: string): string | ImagePart {
  switch (part.type) {
    case 'input_image': {
      const { image_url: url, file_id: file, detail } = part
      if (file != null)
        refuse(`${param}.file_id`, 'is not supported: no file is stored here; send `image_url`')
      if (url == null) refuse(`${param}.image_url`, 'is required (expected string)')
      return { source: imageAt(url, `${param}.image_url`), ...(detail == null ? {} : { detail }) }
    }
    case 'refusal':
      return part.refusal
    case 'other':
      return refuse(`${param}.type`, `"${part.name}" is not supported; models here read text and images`)
    default:
      return part.text
  }
}

function partsOf(content: Content, param: string) {
  const parts =
    typeof content === 'string' ? [content] : content.map((part, at) => partOf(part, `${param}.${at}`))
  return joinParts(parts, APART)
}

function textOf(content: Content, param: string): string {
  const { content: text, images } = partsOf(content, param)
  return images ? refuse(param, 'images stand in messages of the user and in results of tools only') : text
}

function toMessage(item: Item, at: number): ChatMessage[] {
  const param = `input.${at}`
  switch (item.type) {
    case 'message': {
      const { role } = item
      const here = `${param}.content`
      if (role === 'user') return [{ role, ...partsOf(item.content, here) }]
      return [{ role: role === 'developer' ? 'system' : role, content: textOf(item.content, here) }]
    }
    case 'function_call':
    case 'custom_tool_call': {
      const text = item.type === 'function_call' ? item.arguments : customArguments(item.input)
      return [
        {
          role: 'assistant',
          content: '',
          toolCalls: [{ id: item.call_id, name: plainName(item), arguments: text }],
        },
      ]
    }
    case 'function_call_output':
    case 'custom_tool_call_output':
      return [{ role: 'tool', toolCallId: item.call_id, ...partsOf(item.output, `${param}.output`) }]
    case 'reasoning':
      return []
    case 'other':
      return refuse(
        `${param}.type`,
        `"${item.name}" is not supported; allowed: message, function_call, function_call_output, custom_tool_call, custom_tool_call_output, reasoning`,
      )
  }
}

function toMessages({ instructions, input }: InputTokensBody): ChatMessage[] {
  if (input.length === 0) refuse('input', 'must not be empty')
  const system: ChatMessage[] = instructions ? [{ role: 'system', content: instructions }] : []
  if (typeof input === 'string') return [...system, { role: 'user', content: input }]
  return joinedTurns([...system, ...input.flatMap(toMessage)])
}

function toChoice(choice: InputTokensBody['tool_choice'], { specs, known }: ReadTools) {
  if (choice == null || typeof choice === 'string') {
    if (specs.length > 0) return choice ?? 'auto'
    return choice === 'required' ? refuse('tool_choice', 'needs `tools` to choose from') : 'none'
  }
  const name = plainName(choice)
  if (known.has(name)) return { name }
  return refuse('tool_choice.name', `"${name}" is not among the tools: ${[...known.keys()].join(', ')}`)
}

/** What would need answers of before, which are not kept. */
function refuseState(body: InputTokensBody): void {
  const why = 'is not supported: no answer is stored here; send the whole conversation as `input`'
  if (body.previous_response_id != null) refuse('previous_response_id', why)
  if (body.conversation != null) refuse('conversation', why)
  if (body.prompt != null) refuse('prompt', 'is not supported: no prompt is stored here; send `instructions`')
}

/** What a model reads, and the tools as the client knows them. */
export interface ReadPrompt {
  readonly prompt: Pick<ChatRequest, 'messages' | 'tools' | 'toolChoice'>
  readonly known: ReadTools['known']
}

/** @throws TandemError INVALID_REQUEST naming the field */
export function readPrompt(body: InputTokensBody): ReadPrompt {
  refuseState(body)
  const tools = readTools(body.tools ?? [])
  return {
    prompt: { messages: toMessages(body), tools: tools.specs, toolChoice: toChoice(body.tool_choice, tools) },
    known: tools.known,
  }
}

function toFormat({ text }: ResponsesBody): ResponseFormat {
  const format = text?.format
  if (format?.type === 'json_schema') return { type: 'json_schema', schema: format.schema }
  return { type: format?.type ?? 'text' }
}

/**
 * @param prompt as `readPrompt` gives it
 * @param model id to ask, which the body's name was resolved to
 * @throws TandemError INVALID_REQUEST naming the field
 */
export function toChatRequest(body: ResponsesBody, prompt: ReadPrompt['prompt'], model: string): ChatRequest {
  if (body.background) refuse('background', 'is not supported: no answer is stored here')
  if (body.top_logprobs) refuse('top_logprobs', 'is not supported')
  return {
    model,
    ...prompt,
    sampling: {
      stop: [],
      ...(body.max_output_tokens == null ? {} : { maxTokens: body.max_output_tokens }),
      ...(body.temperature == null ? {} : { temperature: body.temperature }),
      ...(body.top_p == null ? {} : { topP: body.top_p }),
    },
    responseFormat: toFormat(body),
  }
}
