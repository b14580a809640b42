/** One chat: text, or calls of tools, or both. */
import { randomUUID } from 'node:crypto'
import {
  type ChatWrapper,
  type Llama,
  type LlamaGrammar,
  type LlamaModel,
  LlamaText,
  type Token,
} from 'node-llama-cpp'
import {
  type ChatDelta,
  type ChatMessage,
  type ChatRequest,
  type ChatResult,
  type ResponseFormat,
  TandemError,
  type ToolCall,
  type ToolSpec,
} from '../../domain/index.ts'
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
import { choiceGrammar, jsonObjectGrammar, schemaGrammar } from './schema-grammar.ts'

/** Calls that one answer may hold. */
const MAX_CALLS = 16

export interface AnswerContext {
  readonly llama: Llama
  readonly model: LlamaModel
  readonly wrapper: ChatWrapper
  /** The model answers from passages only: nothing is added to its prompt. */
  readonly groundedOnly: boolean
}

/** What one request decodes, prepared before a slot is taken. */
export interface PreparedAnswer {
  readonly prompt: Prompt
  /** @param decode decodes once more in the same slot */
  run(decode: Decode, onDelta: (delta: ChatDelta) => void): Promise<Answer>
}

export type Decode = (
  work: Pick<Decoding, 'prompt'> &
    Partial<Pick<Decoding, 'onText' | 'stops' | 'stopTokens' | 'grammar' | 'enough'>>,
) => Promise<Decoded>

export type Answer = Pick<ChatResult, 'text' | 'toolCalls' | 'finishReason'>

/** @throws TandemError INVALID_REQUEST for a schema that no grammar can keep */
export function prepareAnswer(context: AnswerContext, request: ChatRequest): Promise<PreparedAnswer> {
  const { toolChoice } = request
  const tools = toolChoice === 'none' ? [] : request.tools
  const form = toolFormOf(context.wrapper)
  if (toolChoice === 'required' && tools.length > 0) return forcedCall(context, request, tools)
  if (typeof toolChoice === 'object') {
    const tool = tools.find(({ name }) => name === toolChoice.name)
    if (!tool)
      throw new TandemError(
        'INVALID_REQUEST',
        { what: `tool_choice names "${toolChoice.name}", which is not among the tools` },
        { param: 'tool_choice' },
      )
    return forcedCall(context, request, [tool])
  }
  if (form && tools.length > 0) return freeAnswer(context, request, tools, form)
  return plainAnswer(context, request)
}

async function plainAnswer(context: AnswerContext, request: ChatRequest): Promise<PreparedAnswer> {
  const grammar = await formatGrammar(context.llama, request.responseFormat)
  const prompt = renderPrompt(context.model, context.wrapper, request.messages, [])
  return {
    prompt,
    run: async (decode, onDelta) => {
      const { text, end } = await decode({
        prompt: prompt.tokens,
        stops: request.sampling.stop,
        stopTokens: prompt.stopTokens,
        onText: (piece) => onDelta({ type: 'text', text: piece }),
        ...(grammar ? { grammar } : {}),
      })
      return { text, toolCalls: [], finishReason: end }
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
  const writer = await CallWriter.open(context, request, tools, known ?? PLAIN_FORM)
  return {
    prompt,
    run: async (decode, onDelta) => {
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
  const writer = await CallWriter.open(context, request, tools, form)
  const trigger = triggerOf(model, form)
  const stopTokens = new Set(prompt.stopTokens)
  if (typeof trigger === 'number') stopTokens.add(trigger)
  const triggerStops = typeof trigger === 'string' ? [trigger] : []
  return {
    prompt,
    run: async (decode, onDelta) => {
      let said = await decode({
        prompt: prompt.tokens,
        stops: [...request.sampling.stop, ...triggerStops],
        stopTokens,
        onText: (piece) => onDelta({ type: 'text', text: piece }),
        ...(grammar ? { grammar } : {}),
      })
      const { text } = said
      const toolCalls: ToolCall[] = []
      let before = prompt.tokens
      while (said.hit === trigger && toolCalls.length < MAX_CALLS) {
        const written = await writer.write(decode, [...before, ...continuation(model, LlamaText(said.text))])
        if (!written) return { text, toolCalls, finishReason: 'length' }
        onDelta({ type: 'toolCall', index: toolCalls.length, call: written.call })
        toolCalls.push(written.call)
        before = [...written.tokens, ...continuation(model, form.suffix)]
        // another call may follow; text after a call is left out
        said = await decode({
          prompt: before,
          stops: triggerStops,
          stopTokens,
          enough: (more) => /\S/.test(more),
        })
      }
      return { text, toolCalls, finishReason: toolCalls.length > 0 ? 'tool_calls' : said.end }
    },
  }
}

/** Writes calls that are valid by grammar. */
class CallWriter {
  private constructor(
    readonly context: AnswerContext,
    readonly form: ToolForm,
    readonly names: LlamaGrammar,
    readonly argumentsOf: ReadonlyMap<string, LlamaGrammar>,
  ) {}

  static async open(
    context: AnswerContext,
    request: ChatRequest,
    tools: readonly ToolSpec[],
    form: ToolForm,
  ): Promise<CallWriter> {
    const names = await context.llama.createGrammar({
      grammar: choiceGrammar(tools.map((tool) => tool.name)),
    })
    const grammars = new Map<string, LlamaGrammar>()
    for (const tool of tools) {
      const param = `tools.${request.tools.indexOf(tool)}.function.parameters`
      const grammar = tool.parameters
        ? schemaGrammar({ type: 'object', ...tool.parameters }, param)
        : NO_ARGUMENTS
      grammars.set(tool.name, await compile(context.llama, grammar, param))
    }
    return new CallWriter(context, form, names, grammars)
  }

  /**
   * @param before tokens up to where the call begins
   * @returns the call and all tokens up to the end of its arguments; undefined when the tokens did not suffice
   */
  async write(
    decode: Decode,
    before: readonly Token[],
  ): Promise<{ call: ToolCall; tokens: readonly Token[] } | undefined> {
    const { model } = this.context
    const names = [...this.argumentsOf.keys()]
    const chosen =
      names.length === 1
        ? names[0]!
        : (
            await decode({
              prompt: [...before, ...continuation(model, this.form.prefix)],
              grammar: this.names,
              enough: (text) => names.filter((name) => name.startsWith(text)).join() === text,
            })
          ).text
    const grammar = this.argumentsOf.get(chosen)
    if (!grammar) return undefined
    const named = this.form.paramsPrefix.mapValues((part) =>
      typeof part === 'string' ? part.replaceAll('{{functionName}}', chosen) : part,
    )
    const prompt = [...before, ...continuation(model, LlamaText([this.form.prefix, chosen, named]))]
    const { text, tokens, end } = await decode({ prompt, grammar, enough: isWholeJson })
    if (end === 'length' && !isWholeJson(text)) return undefined
    return {
      call: { id: `call_${randomUUID().replaceAll('-', '')}`, name: chosen, arguments: text },
      tokens: [...prompt, ...tokens],
    }
  }
}

const NO_ARGUMENTS = 'root ::= "{}"\n'

/** Arguments are an object: it is whole with its last brace. */
function isWholeJson(text: string): boolean {
  if (!text.endsWith('}')) return false
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
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

/** llama.cpp has limits of its own, and prints the grammar when they are passed. */
async function compile(llama: Llama, grammar: string, param: string): Promise<LlamaGrammar> {
  try {
    return await llama.createGrammar({ grammar })
  } catch (thrown) {
    const what = 'the JSON schema is too large for llama.cpp; use fewer or shorter repetitions'
    throw new TandemError('INVALID_REQUEST', { what }, { param, cause: thrown })
  }
}

function describe(tools: readonly ToolSpec[]): ChatMessage {
  return {
    role: 'system',
    content: `Answer with a call of one of these functions:\n${tools.map((tool) => JSON.stringify(tool)).join('\n')}`,
  }
}
