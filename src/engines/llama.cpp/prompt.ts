/** From messages to the tokens that the model's template wants. */
import {
  type ChatHistoryItem,
  type ChatModelFunctions,
  type ChatModelResponse,
  ChatWrapper,
  type LlamaModel,
  LlamaText,
  SpecialTokensText,
  type Token,
} from 'node-llama-cpp'
import type { ChatMessage, ToolCall, ToolSpec } from '../../domain/index.ts'

export interface Prompt {
  readonly tokens: readonly Token[]
  /** Tokens of the template that end an answer, besides the model's own end. */
  readonly stopTokens: ReadonlySet<Token>
}

/** How a template writes a call: `prefix` name `paramsPrefix` JSON `suffix`. */
export interface ToolForm {
  readonly prefix: LlamaText
  readonly paramsPrefix: LlamaText
  readonly suffix: LlamaText
}

/** For templates that know no tools and are made to call one. */
export const PLAIN_FORM: ToolForm = {
  prefix: LlamaText('{"name": "'),
  paramsPrefix: LlamaText('", "arguments": '),
  suffix: LlamaText('}'),
}

/** The template's own way to write calls; undefined when it has none. */
export function toolFormOf(wrapper: ChatWrapper): ToolForm | undefined {
  const { call, parallelism } = wrapper.settings.functions
  if (wrapper.settings.functions === ChatWrapper.defaultSettings.functions) return undefined
  return {
    prefix: LlamaText([parallelism?.call.sectionPrefix ?? '', call.prefix]),
    paramsPrefix: LlamaText(call.paramsPrefix),
    suffix: LlamaText(call.suffix),
  }
}

/**
 * Renders a chat up to where the assistant's answer begins; when the last message is the assistant's, up to its end,
 * so that the answer continues it.
 * @param tools described to the model where its template has a form for them
 * @param opening what the answer must begin with
 */
export function renderPrompt(
  model: LlamaModel,
  wrapper: ChatWrapper,
  messages: readonly ChatMessage[],
  tools: readonly ToolSpec[],
  opening?: LlamaText,
): Prompt {
  const knowsTools = toolFormOf(wrapper) !== undefined
  const state = wrapper.generateContextState({
    chatHistory: knowsTools ? historyWithCalls(messages) : plainHistory(messages),
    documentFunctionParams: true,
    ...(knowsTools && tools.length > 0 ? { availableFunctions: functionsOf(tools) } : {}),
  })
  const tokenizer = model.tokenizer
  const stopTokens = new Set<Token>()
  for (const trigger of state.stopGenerationTriggers) {
    // texts written in plain letters may stand in code that the model quotes; only special tokens end an answer
    if (trigger.values.some((value) => typeof value === 'string')) continue
    const tokens = trigger.tokenize(tokenizer)
    if (tokens.length === 1) stopTokens.add(tokens[0]!)
  }
  const tokens = state.contextText.tokenize(tokenizer)
  return { tokens: opening ? [...tokens, ...continuation(model, opening)] : tokens, stopTokens }
}

/** Tokens of a text that follows other text. */
export function continuation(model: LlamaModel, text: LlamaText): Token[] {
  return text.tokenize(model.tokenizer, 'trimLeadingSpace')
}

/** The first part of a tool form's prefix by which a call is recognised: a special token, or a text. */
export function triggerOf(model: LlamaModel, form: ToolForm): Token | string {
  const first = form.prefix.trimStart().values[0]
  if (first instanceof SpecialTokensText) {
    const tokens = first.tokenize(model.tokenizer, true)
    if (tokens.length === 1) return tokens[0]!
  }
  return String(first ?? '').trimEnd()
}

/** A template without tools shows calls and their results as text. */
function plainHistory(messages: readonly ChatMessage[]): ChatHistoryItem[] {
  const history: ChatHistoryItem[] = []
  for (const message of messages) {
    if (message.role === 'assistant') {
      const calls = (message.toolCalls ?? []).map(
        (call) => `{"name": "${call.name}", "arguments": ${call.arguments}}`,
      )
      const text = [message.content, ...calls].filter((part) => part !== '').join('\n')
      history.push({ type: 'model', response: [text] })
    } else if (message.role === 'tool') {
      history.push({
        type: 'user',
        text: `Result of ${nameOfCall(messages, message.toolCallId)}:\n${message.content}`,
      })
    } else history.push({ type: message.role, text: message.content })
  }
  return openAnswer(history)
}

/** node-llama-cpp keeps a call, its result and what the assistant says next in one item. */
function historyWithCalls(messages: readonly ChatMessage[]): ChatHistoryItem[] {
  const history: ChatHistoryItem[] = []
  const results = new Map(
    messages.flatMap((message) => (message.role === 'tool' ? [[message.toolCallId, message.content]] : [])),
  )
  for (const message of messages) {
    if (message.role === 'tool') continue
    if (message.role !== 'assistant') {
      history.push({ type: message.role, text: message.content })
      continue
    }
    const calls = message.toolCalls ?? []
    const response: ChatModelResponse['response'] = message.content === '' ? [] : [message.content]
    calls.forEach((call, i) => {
      response.push({
        type: 'functionCall',
        name: call.name,
        params: argumentsOf(call),
        result: results.get(call.id) ?? '',
        startsNewChunk: i === 0,
      })
    })
    const last = history.at(-1)
    if (last?.type === 'model' && last.response.some((part) => typeof part !== 'string'))
      history.splice(-1, 1, { type: 'model', response: [...last.response, ...response] })
    else history.push({ type: 'model', response })
  }
  return openAnswer(history)
}

function openAnswer(history: ChatHistoryItem[]): ChatHistoryItem[] {
  return history.at(-1)?.type === 'model' ? history : [...history, { type: 'model', response: [] }]
}

function nameOfCall(messages: readonly ChatMessage[], id: string): string {
  for (const message of messages)
    for (const call of message.role === 'assistant' ? (message.toolCalls ?? []) : [])
      if (call.id === id) return call.name
  return 'the tool'
}

/** Clients may send arguments that are no JSON; the model then sees the text. */
function argumentsOf(call: ToolCall): unknown {
  try {
    return JSON.parse(call.arguments)
  } catch {
    return call.arguments
  }
}

function functionsOf(tools: readonly ToolSpec[]): ChatModelFunctions {
  const functions: Record<string, ChatModelFunctions[string]> = {}
  for (const tool of tools)
    functions[tool.name] = {
      ...(tool.description === undefined ? {} : { description: tool.description }),
      // only printed for the model; the grammar comes from our own reading of the schema
      ...(tool.parameters === undefined
        ? {}
        : { params: tool.parameters as NonNullable<ChatModelFunctions[string]['params']> }),
    }
  return functions
}
