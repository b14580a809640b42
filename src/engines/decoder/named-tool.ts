import { TandemError, type ToolSpec } from '../../domain/index.ts'

/** The tool that `tool_choice` names. @throws TandemError INVALID_REQUEST */
export function namedTool(tools: readonly ToolSpec[], name: string): ToolSpec {
  const tool = tools.find((each) => each.name === name)
  if (tool) return tool
  const what = `tool_choice names "${name}", which is not among the tools`
  throw new TandemError('INVALID_REQUEST', { what }, { param: 'tool_choice' })
}
