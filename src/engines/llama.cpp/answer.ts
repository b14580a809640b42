/** One chat: text, or calls of tools, or both. */
import {
  type ChatWrapper,
  type Llama,
  type LlamaGrammar,
  type LlamaModel,
  LlamaText,
  type Token,
} from 'node-llama-cpp'
import type {
  ChatDelta,
  ChatMessage,
  ChatRequest,
  ChatResult,
  ChatResume,
  ResponseFormat,
  ToolCall,
  ToolSpec,
} from '../../domain/index.ts'
import { namedTool } from '../decoder/index.ts'
import type { Decoded, Decoding } from './decode.ts'
import {
  continuation,
  PLAIN_FORM,
  type Prompt,
  renderPrompt,
  type ToolForm,
  toolFormOf,
  triggerOf,
} from './prompt.ts'
import { jsonObjectGrammar, schemaGrammar } from './schema-grammar.ts'
import { type CallContext, CallWriter, compile, type Decode } from './tool-call.ts'

/** Calls that one answer may hold. */
const MAX_CALLS = 16

export interface AnswerContext extends CallContext {
  readonly wrapper: ChatWrapper
  /** The model answers from passages only: nothing is added to its prompt. */
  readonly groundedOnly: boolean
}

/** What one request decodes, prepared before a slot is taken. */
export interface PreparedAnswer {
  readonly prompt: Prompt
  /** @param decode decodes once more in the same slot. @returns what is new */
  run(decode: Decode, onDelta: (delta: ChatDelta) => void): Promise<Answer>
}

type Answer = Pick<ChatResult, 'text' | 'toolCalls' | 'finishReason' | 'stopSequence'>

/** @throws TandemError INVALID_REQUEST for a schema that no grammar can keep */
export function prepareAnswer(context: AnswerContext, request: ChatRequest): Promise<PreparedAnswer> {
  const { toolChoice } = request
  const tools = toolChoice === 'none' ? [] : request.tools
  const form = toolFormOf(context.wrapper)
  if (toolChoice === 'required' && tools.length > 0) return forcedCall(context, request, tools)
  if (typeof toolChoice === 'object') return forcedCall(context, request, [namedTool(tools, toolChoice.name)])
  if (form && tools.length > 0) return freeAnswer(context, request, tools, form)
  return plainAnswer(context, request)
}

async function plainAnswer(context: AnswerContext, request: ChatRequest): Promise<PreparedAnswer> {
  const grammar = await formatGrammar(context.llama, request.responseFormat)
  const prompt = renderPrompt(context.model, context.wrapper, request.messages, [])
  return {
    prompt,
    run: async (decode, onDelta) => {
      const decoded = await decode({
        prompt: prompt.tokens,
        stops: request.sampling.stop,
        stopTokens: prompt.stopTokens,
        onText: toDelta(onDelta),
        ...(grammar ? { grammar } : {}),
        ...replayOf(context.model, request.resume),
      })
      return { text: decoded.text, toolCalls: [], ...endOf(decoded) }
    },
  }
}

/** The grammar leaves nothing but a call; of several tools the model chooses one. */
async function forcedCall(
  context: AnswerContext,
  request: ChatRequest,
  tools: readonly ToolSpec[],
): Promise<PreparedAnswer> {
  const known = toolFormOf(context.wrapper)
  const messages = known || context.groundedOnly ? request.messages : [describe(tools), ...request.messages]
  const prompt = renderPrompt(context.model, context.wrapper, messages, request.tools)
  const writer = await CallWriter.open(context, tools, known ?? PLAIN_FORM, false)
  return {
    prompt,
    run: async (decode, onDelta) => {
      if (request.resume?.toolCalls.length) return { text: '', toolCalls: [], finishReason: 'tool_calls' }
      const written = await writer.write(decode, prompt.tokens)
      if (!written) return { text: '', toolCalls: [], finishReason: 'length' }
      onDelta({ type: 'toolCall', index: 0, call: written.call })
      return { text: '', toolCalls: [written.call], finishReason: 'tool_calls' }
    },
  }
}

/** The model writes text, and calls a tool by beginning its template's form of a call. */
async function freeAnswer(
  context: AnswerContext,
  request: ChatRequest,
  tools: readonly ToolSpec[],
  form: ToolForm,
): Promise<PreparedAnswer> {
  const { model } = context
  const grammar = await formatGrammar(context.llama, request.responseFormat)
  const prompt = renderPrompt(model, context.wrapper, request.messages, tools)
  const trigger = triggerOf(model, form)
  const stopTokens = new Set(prompt.stopTokens)
  if (typeof trigger === 'number') stopTokens.add(trigger)
  const triggerStops = typeof trigger === 'string' ? [trigger] : []
  return {
    prompt,
    run: async (decode, onDelta) => {
      const sent = request.resume?.toolCalls ?? []
      const said =
        sent.length > 0
          ? undefined
          : await decode({
              prompt: prompt.tokens,
              stops: [...request.sampling.stop, ...triggerStops],
              stopTokens,
              onText: toDelta(onDelta),
              ...(grammar ? { grammar } : {}),
              ...replayOf(model, request.resume),
            })
      const text = said?.text ?? ''
      const toolCalls: ToolCall[] = []
      if (said && said.hit !== trigger) return { text, toolCalls, ...endOf(said) }
      const writer = await CallWriter.open(context, tools, form, true)
      const suffix = continuation(model, form.suffix)
      const after = (tokens: readonly Token[], shown: string) => [
        ...tokens,
        ...continuation(model, LlamaText(shown)),
      ]
      let before = after(prompt.tokens, `${request.resume?.text ?? ''}${text}`)
      for (const call of sent) before = [...writer.retrace(before, call), ...suffix]
      // text after a call is left out
      const another = () =>
        decode({ prompt: before, stops: triggerStops, stopTokens, enough: (more) => /\S/.test(more) })
      let next = said
      if (!next) {
        next = await another()
        before = after(before, next.text)
      }
      while (next.hit === trigger && sent.length + toolCalls.length < MAX_CALLS) {
        const written = await writer.write(decode, before)
        if (!written) return { text, toolCalls, finishReason: 'length' }
        onDelta({ type: 'toolCall', index: sent.length + toolCalls.length, call: written.call })
        toolCalls.push(written.call)
        before = [...written.tokens, ...suffix]
        next = await another()
        before = after(before, next.text)
      }
      return { text, toolCalls, finishReason: 'tool_calls' }
    },
  }
}

const toDelta =
  (onDelta: (delta: ChatDelta) => void) =>
  (text: string, tokens: readonly Token[]): void =>
    onDelta({ type: 'text', text, tokens })

/** How a text ended, where the stop strings were the request's own. */
export function endOf({
  end,
  hit,
}: Pick<Decoded, 'end' | 'hit'>): Pick<ChatResult, 'finishReason' | 'stopSequence'> {
  return { finishReason: end, ...(typeof hit === 'string' ? { stopSequence: hit } : {}) }
}

/** The tokens to begin with; a text without ids is read again. */
export function replayOf(model: LlamaModel, resume: ChatResume | undefined): Pick<Decoding, 'replay'> {
  if (!resume) return {}
  const { text } = resume
  const known = resume.tokens.length > 0 || text === ''
  return {
    replay: { text, tokens: known ? (resume.tokens as Token[]) : continuation(model, LlamaText(text)) },
  }
}

function formatGrammar(llama: Llama, format: ResponseFormat): Promise<LlamaGrammar> | undefined {
  if (format.type === 'text') return undefined
  const grammar =
    format.type === 'json_object'
      ? jsonObjectGrammar()
      : schemaGrammar(format.schema, 'response_format.json_schema.schema')
  return compile(llama, grammar, 'response_format')
}

function describe(tools: readonly ToolSpec[]): ChatMessage {
  return {
    role: 'system',
    content: `Answer with a call of one of these functions:\n${tools.map((tool) => JSON.stringify(tool)).join('\n')}`,
  }
}
