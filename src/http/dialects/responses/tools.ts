/** Tools of Responses as functions, which is what a model here calls, and the way back from a call. Pure. */
import { type JsonSchema, TandemError, type ToolCall, type ToolSpec } from '../../../domain/index.ts'
import { toolSpec } from '../../answers/tools.ts'
import { refuse } from '../../validate.ts'
import type { Tool } from './schema.ts'

/**
 * Tools that OpenAI's servers run, or that need a model trained for them. Coding agents send them with every request, so
 * they are left out: a model that is not told of a tool does not call it.
 */
const LEFT_OUT = ['web_search', 'web_search_preview', 'image_generation', 'local_shell', 'tool_search']

/** A custom tool takes any text: the model writes it as the only argument of a function. */
const CUSTOM_INPUT: JsonSchema = {
  type: 'object',
  properties: { input: { type: 'string' } },
  required: ['input'],
  additionalProperties: false,
}

/** How the client knows what the model calls by one name. */
export interface KnownTool {
  readonly kind: 'function' | 'custom'
  readonly name: string
  readonly namespace?: string
}

export interface ReadTools {
  readonly specs: readonly ToolSpec[]
  /** By the name that the model uses. */
  readonly known: ReadonlyMap<string, KnownTool>
}

/** The one name that a model uses for a tool of a namespace. */
export function plainName({
  name,
  namespace,
}: {
  name: string
  namespace?: string | null | undefined
}): string {
  if (!namespace) return name
  return namespace.endsWith('__') ? `${namespace}${name}` : `${namespace}__${name}`
}

/** @throws TandemError INVALID_REQUEST naming the field */
export function readTools(tools: readonly Tool[]): ReadTools {
  const specs: ToolSpec[] = []
  const known = new Map<string, KnownTool>()
  const add = (tool: Tool, param: string, namespace?: string) => {
    if (tool.type === 'other') {
      if (LEFT_OUT.includes(tool.name)) return
      refuse(
        `${param}.type`,
        `"${tool.name}" is not supported; allowed: function, custom, namespace; left out: ${LEFT_OUT.join(', ')}`,
      )
    }
    if (tool.type === 'namespace') {
      for (const [at, inner] of tool.tools.entries()) add(inner, `${param}.tools.${at}`, tool.name)
      return
    }
    const { type: kind, name, description } = tool
    const own = { kind, name, ...(namespace === undefined ? {} : { namespace }) }
    const called = plainName(own)
    if (known.has(called)) refuse(`${param}.name`, `"${called}" stands there twice`)
    known.set(called, own)
    const parameters = tool.type === 'custom' ? CUSTOM_INPUT : tool.parameters
    specs.push(toolSpec({ name: called, description, parameters }))
  }
  for (const [at, tool] of tools.entries()) add(tool, `tools.${at}`)
  return { specs, known }
}

/** The arguments by which a model calls a custom tool. */
export function customArguments(input: string): string {
  return JSON.stringify({ input })
}

/** @throws TandemError ENGINE_FAILED for arguments that are none of a custom tool */
export function customInput({ name, arguments: text }: ToolCall): string {
  const input = inputIn(text)
  if (typeof input === 'string') return input
  throw new TandemError('ENGINE_FAILED', {
    engine: 'the model',
    why: `the arguments of its call of ${name} hold no text \`input\``,
  })
}

function inputIn(text: string): unknown {
  try {
    return (JSON.parse(text) as { input?: unknown } | null)?.input
  } catch {
    return undefined
  }
}
