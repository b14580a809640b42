/** What every dialect does with the tools of a chat. Pure. */
import type { ChatRequest, JsonSchema, ToolSpec } from '../../domain/index.ts'
import { refuse } from '../validate.ts'

/** A tool as most dialects send it: `null` means absent. */
interface SentTool {
  readonly name: string
  readonly description?: string | null | undefined
  readonly parameters?: JsonSchema | null | undefined
}

export function toolSpec({ name, description, parameters }: SentTool): ToolSpec {
  return {
    name,
    ...(description == null ? {} : { description }),
    ...(parameters == null ? {} : { parameters }),
  }
}

/**
 * @param nameField name of the field that holds the name of one of them
 * @throws TandemError INVALID_REQUEST
 */
export function refuseSameNames(tools: readonly ToolSpec[], nameField: (at: number) => string): void {
  const names = tools.map(({ name }) => name)
  const twice = names.findIndex((name, at) => names.indexOf(name) !== at)
  if (twice !== -1) refuse(nameField(twice), `"${names[twice]}" stands there twice`)
}

/**
 * @param asked absent: the model chooses
 * @param nameField name of the field that holds the name of the one that must be called
 * @throws TandemError INVALID_REQUEST
 */
export function toolChoiceOf(
  tools: readonly ToolSpec[],
  asked: ChatRequest['toolChoice'] | undefined,
  nameField: string,
): ChatRequest['toolChoice'] {
  if (tools.length === 0)
    return asked === undefined || asked === 'auto' || asked === 'none'
      ? 'none'
      : refuse('tool_choice', 'needs `tools` to choose from')
  if (asked === undefined || typeof asked === 'string') return asked ?? 'auto'
  const names = tools.map(({ name }) => name)
  return names.includes(asked.name)
    ? { name: asked.name }
    : refuse(nameField, `"${asked.name}" is not among the tools: ${names.join(', ')}`)
}
