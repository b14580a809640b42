/** Writes calls of tools: the name, then arguments that a grammar keeps valid. */
import { randomUUID } from 'node:crypto'
import { type Llama, type LlamaGrammar, type LlamaModel, LlamaText, type Token } from 'node-llama-cpp'
import { TandemError, type ToolCall, type ToolSpec } from '../../domain/index.ts'
import type { Decoded, Decoding } from './decode.ts'
import { continuation, type ToolForm } from './prompt.ts'
import { choiceGrammar, jsonObjectGrammar, schemaGrammar } from './schema-grammar.ts'

export interface CallContext {
  readonly llama: Llama
  readonly model: LlamaModel
}

/** Decodes once more in the slot of a request. */
export type Decode = (
  work: Pick<Decoding, 'prompt'> &
    Partial<Pick<Decoding, 'onText' | 'stops' | 'stopTokens' | 'grammar' | 'enough' | 'replay'>>,
) => Promise<Decoded>

/** Writes calls that are valid by grammar. */
export class CallWriter {
  private constructor(
    readonly context: CallContext,
    readonly form: ToolForm,
    readonly names: LlamaGrammar,
    readonly argumentsOf: ReadonlyMap<string, LlamaGrammar>,
  ) {}

  /**
   * @param loose takes any object for a tool whose parameters no grammar can keep, instead of refusing it
   * @throws TandemError INVALID_REQUEST
   */
  static async open(
    context: CallContext,
    tools: readonly ToolSpec[],
    form: ToolForm,
    loose: boolean,
  ): Promise<CallWriter> {
    const names = await compile(context.llama, choiceGrammar(tools.map((tool) => tool.name)), 'tools')
    const grammars = new Map<string, LlamaGrammar>()
    for (const tool of tools)
      grammars.set(tool.name, await compile(context.llama, argumentGrammar(tool, loose), 'tools'))
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
    const prompt = [...before, ...this.#opening(chosen)]
    const { text, tokens, end } = await decode({ prompt, grammar, enough: isWholeJson })
    if (end === 'length' && !isWholeJson(text)) return undefined
    return {
      call: { id: `call_${randomUUID().replaceAll('-', '')}`, name: chosen, arguments: text },
      tokens: [...prompt, ...tokens],
    }
  }

  /** What `write` gave as `tokens` for a call that another worker wrote, but for how its arguments are cut. */
  retrace(before: readonly Token[], call: ToolCall): readonly Token[] {
    return [
      ...before,
      ...this.#opening(call.name),
      ...continuation(this.context.model, LlamaText(call.arguments)),
    ]
  }

  #opening(name: string): Token[] {
    const named = this.form.paramsPrefix.mapValues((part) =>
      typeof part === 'string' ? part.replaceAll('{{functionName}}', name) : part,
    )
    return continuation(this.context.model, LlamaText([this.form.prefix, name, named]))
  }
}

function argumentGrammar({ name, parameters }: ToolSpec, loose: boolean): string {
  if (!parameters) return 'root ::= "{}"\n'
  try {
    return schemaGrammar({ type: 'object', ...parameters }, `tools.${name}.parameters`)
  } catch (thrown) {
    if (loose) return jsonObjectGrammar()
    throw thrown
  }
}

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

/** llama.cpp has limits of its own, and prints the grammar when they are passed. */
export async function compile(llama: Llama, grammar: string, param: string): Promise<LlamaGrammar> {
  try {
    return await llama.createGrammar({ grammar })
  } catch (thrown) {
    const what = 'the JSON schema is too large for llama.cpp; use fewer or shorter repetitions'
    throw new TandemError('INVALID_REQUEST', { what }, { param, cause: thrown })
  }
}
