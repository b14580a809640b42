/** Items of an answer's `output`. Pure. */
import type { ToolCall } from '../../../domain/index.ts'
import { customInput, type KnownTool } from './tools.ts'

type Status = 'in_progress' | 'completed' | 'incomplete'

export function textPart(text: string) {
  return { type: 'output_text', text, annotations: [], logprobs: [] }
}

/** @param text absent: none was written yet */
export function messageItem(id: string, status: Status, text?: string) {
  return {
    id: `msg_${id}`,
    type: 'message',
    status,
    role: 'assistant',
    content: text === undefined ? [] : [textPart(text)],
  }
}

/**
 * @param tool absent: the model calls what the client did not name, which the client has to judge
 * @throws TandemError ENGINE_FAILED for a finished call of a custom tool without its input
 */
export function callItem(id: string, status: Status, call: ToolCall, tool?: KnownTool) {
  const { kind, name, namespace } = tool ?? { kind: 'function', name: call.name }
  const begun = status === 'in_progress'
  const own = kind === 'custom' ? 'ctc' : 'fc'
  const called = { call_id: call.id, name, ...(namespace === undefined ? {} : { namespace }) }
  return kind === 'custom'
    ? {
        id: `${own}_${id}`,
        type: 'custom_tool_call',
        status,
        ...called,
        input: begun ? '' : customInput(call),
      }
    : {
        id: `${own}_${id}`,
        type: 'function_call',
        status,
        ...called,
        arguments: begun ? '' : call.arguments,
      }
}
