/** Anthropic's request bodies to the house's own requests. Pure. */
import type { ChatMessage, ChatRequest, Sampling, ToolCall, ToolSpec } from '../../../domain/index.ts'
import { type ImagePart, imageAt, imageOf, joinParts, shifted } from '../../answers/images.ts'
import { APART, joinedTurns } from '../../answers/joined-turns.ts'
import { refuseSameNames, toolChoiceOf, toolSpec } from '../../answers/tools.ts'
import { refuse } from '../../validate.ts'
import type { Block, CountBody, Image, Message, MessagesBody, TextContent } from './schema.ts'

/**
 * Claude Code puts its billing data as a text block before the system prompt. No model is meant to read it, and a part of
 * it changes with every request: whatever an engine keeps of the prompt would be of no use.
 */
const BILLING = /^x-anthropic-billing-header:/

/** Before the result of a tool that failed: templates know no flag for it. */
const ERROR_MARK = 'Error: '

function unsupported(param: string, type: string): never {
  refuse(`${param}.type`, `"${type}" is not supported; models here read text and images`)
}

/** What the bytes are is told by themselves: clients name the wrong type. */
function imagePart({ source }: Image, param: string): ImagePart {
  if (source.type === 'base64') return { source: imageOf(source.data, `${param}.source.data`) }
  if (source.type === 'url') return { source: imageAt(source.url, `${param}.source.url`) }
  return refuse(`${param}.source.type`, `"${source.name}" is not supported; allowed: base64, url`)
}

function textsOf(content: TextContent | null | undefined, param: string): string[] {
  if (content == null) return []
  if (typeof content === 'string') return [content]
  return content.map((block, at) =>
    block.type === 'text' ? block.text : unsupported(`${param}.${at}`, block.name),
  )
}

function systemOf({ system }: CountBody): ChatMessage[] {
  const texts = textsOf(system, 'system').filter((text) => text !== '' && !BILLING.test(text))
  return texts.length > 0 ? [{ role: 'system', content: texts.join(APART) }] : []
}

function toolResult(block: Extract<Block, { type: 'tool_result' }>, param: string): ChatMessage {
  const given = block.content ?? ''
  const blocks = typeof given === 'string' ? [{ type: 'text' as const, text: given }] : given
  const parts = blocks.map((each, at) => {
    const here = `${param}.content.${at}`
    if (each.type === 'text') return each.text
    return each.type === 'image' ? imagePart(each, here) : unsupported(here, each.name)
  })
  const { content, images } = joinParts(parts, APART)
  const mark = block.is_error ? ERROR_MARK : ''
  return {
    role: 'tool',
    toolCallId: block.tool_use_id,
    content: mark + content,
    ...(images ? { images: shifted(images, mark.length) } : {}),
  }
}

function ofUser(role: 'user' | 'system', blocks: readonly Block[], param: string): ChatMessage[] {
  return blocks.map((block, at): ChatMessage => {
    const here = `${param}.${at}`
    if (block.type === 'text') return { role, content: block.text }
    if (block.type === 'image' && role === 'user')
      return { role, ...joinParts([imagePart(block, here)], APART) }
    if (block.type === 'tool_result' && role === 'user') return toolResult(block, here)
    if (block.type === 'other') return unsupported(here, block.name)
    return refuse(`${here}.type`, `"${block.type}" cannot stand in a message of the ${role}`)
  })
}

function ofAssistant(blocks: readonly Block[], param: string): ChatMessage {
  const texts: string[] = []
  const toolCalls: ToolCall[] = []
  for (const [at, block] of blocks.entries()) {
    const here = `${param}.${at}`
    if (block.type === 'text') texts.push(block.text)
    else if (block.type === 'tool_use')
      toolCalls.push({ id: block.id, name: block.name, arguments: JSON.stringify(block.input ?? {}) })
    else if (block.type === 'other') unsupported(here, block.name)
    else if (block.type === 'tool_result' || block.type === 'image')
      refuse(`${here}.type`, `"${block.type}" cannot stand in a message of the assistant`)
  }
  const content = texts.join(APART)
  return { role: 'assistant', content, ...(toolCalls.length > 0 ? { toolCalls } : {}) }
}

function toMessages({ role, content }: Message, at: number): ChatMessage[] {
  const param = `messages.${at}.content`
  const blocks: readonly Block[] = typeof content === 'string' ? [{ type: 'text', text: content }] : content
  return role === 'assistant' ? [ofAssistant(blocks, param)] : ofUser(role, blocks, param)
}

function toTools({ tools, tool_choice: choice }: CountBody): Pick<ChatRequest, 'tools' | 'toolChoice'> {
  const specs = (tools ?? []).map((tool, at): ToolSpec => {
    const { type, name, description, input_schema: parameters } = tool
    if (type != null && type !== 'custom')
      refuse(
        `tools.${at}.type`,
        `"${type}" is defined and partly run by Anthropic, and not supported; describe a tool of your own with input_schema`,
      )
    if (parameters == null) refuse(`tools.${at}.input_schema`, 'is required (expected a JSON schema)')
    return toolSpec({ name, description, parameters })
  })
  refuseSameNames(specs, (at) => `tools.${at}.name`)
  return { tools: specs, toolChoice: toolChoiceOf(specs, toChoice(choice), 'tool_choice.name') }
}

function toChoice(choice: CountBody['tool_choice']): ChatRequest['toolChoice'] | undefined {
  if (choice?.type === 'tool') return { name: choice.name }
  return choice?.type === 'any' ? 'required' : choice?.type
}

function toSampling(body: MessagesBody): Sampling {
  return {
    stop: body.stop_sequences ?? [],
    maxTokens: body.max_tokens,
    ...(body.temperature == null ? {} : { temperature: body.temperature }),
    ...(body.top_p == null ? {} : { topP: body.top_p }),
    ...(body.top_k == null ? {} : { topK: body.top_k }),
  }
}

/**
 * What a model reads: the same for an answer and for a count of its tokens.
 * @throws TandemError INVALID_REQUEST naming the field
 */
export function toPrompt(body: CountBody): Pick<ChatRequest, 'messages' | 'tools' | 'toolChoice'> {
  if (body.messages.length === 0) refuse('messages', 'must hold at least one message')
  if (body.mcp_servers?.length) refuse('mcp_servers', 'is not supported; let the client call them as tools')
  return {
    messages: [...systemOf(body), ...joinedTurns(body.messages.flatMap(toMessages))],
    ...toTools(body),
  }
}

/**
 * @param model id to ask, which the body's name was resolved to
 * @throws TandemError INVALID_REQUEST naming the field
 */
export function toChatRequest(body: MessagesBody, model: string): ChatRequest {
  const last = body.messages.length - 1
  if (body.messages[last]?.role === 'assistant')
    refuse(
      `messages.${last}.role`,
      'the last message must be of the user: beginning the answer is not supported',
    )
  const format = body.output_config?.format
  return {
    model,
    ...toPrompt(body),
    sampling: toSampling(body),
    responseFormat: format ? { type: 'json_schema', schema: format.schema } : { type: 'text' },
  }
}
