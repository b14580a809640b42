/** The house's answers as objects of Responses, whole and as stream events. Pure. */
import type { ChatDelta, ChatResult, TandemError, ToolCall } from '../../../domain/index.ts'
import { namedEvent } from '../../answers/named-event.ts'
import type { AnswerFrames } from '../../answers/run-answer.ts'
import { type AnswerExtras, tandemPart } from '../../answers/tandem-part.ts'
import { errorBody } from '../../errors.ts'
import { callItem, messageItem, textPart } from './items.ts'
import type { ResponsesBody } from './schema.ts'
import type { ReadPrompt } from './translate.ts'

/** What is the same in every part of one answer. */
export interface ResponseHead {
  /** Hex digits; ids of the answer and of its items are made of them. */
  readonly id: string
  /** Seconds since 1970. */
  readonly createdAt: number
  readonly body: ResponsesBody
  readonly read: ReadPrompt
}

function toTool({ name, description, parameters }: ReadPrompt['prompt']['tools'][number]) {
  return { type: 'function', name, description, parameters: parameters ?? null, strict: false }
}

/** All but what an answer becomes while it is written. */
function constant({ id, createdAt, body, read }: ResponseHead) {
  return {
    id: `resp_${id}`,
    object: 'response',
    created_at: createdAt,
    background: false,
    instructions: body.instructions ?? null,
    max_output_tokens: body.max_output_tokens ?? null,
    metadata: body.metadata ?? {},
    model: body.model,
    parallel_tool_calls: true,
    previous_response_id: null,
    reasoning: { effort: null, summary: null },
    store: false,
    temperature: body.temperature ?? null,
    text: { format: body.text?.format ?? { type: 'text' } },
    tool_choice: body.tool_choice ?? 'auto',
    tools: read.prompt.tools.map(toTool),
    top_p: body.top_p ?? null,
    truncation: 'disabled',
  }
}

function toUsage({ promptTokens, cachedTokens, completionTokens }: ChatResult['usage']) {
  return {
    input_tokens: promptTokens,
    input_tokens_details: { cached_tokens: cachedTokens, cache_write_tokens: 0 },
    output_tokens: completionTokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: promptTokens + completionTokens,
  }
}

const statusOf = ({ finishReason }: ChatResult) => (finishReason === 'length' ? 'incomplete' : 'completed')

function unfinished(head: ResponseHead, status: 'in_progress' | 'failed', output: readonly object[]) {
  return { ...constant(head), status, error: null, incomplete_details: null, output, usage: null }
}

function finished(head: ResponseHead, result: ChatResult, output: readonly object[], extras: AnswerExtras) {
  const status = statusOf(result)
  return {
    ...unfinished(head, 'in_progress', output),
    status,
    incomplete_details: status === 'incomplete' ? { reason: 'max_output_tokens' } : null,
    usage: toUsage(result.usage),
    tandem: tandemPart(result, extras),
  }
}

/** @throws TandemError ENGINE_FAILED for a call of a custom tool without its input */
export function wholeResponse(head: ResponseHead, result: ChatResult, extras: AnswerExtras) {
  const text = result.text === '' ? [] : [result.text]
  const output = [
    ...text.map((words) => messageItem(`${head.id}0`, statusOf(result), words)),
    ...result.toolCalls.map((call, at) =>
      callItem(`${head.id}${at + text.length}`, 'completed', call, head.read.known.get(call.name)),
    ),
  ]
  return finished(head, result, output, extras)
}

/** The item that is being written. */
type Open = { readonly text: string } | { readonly index: number; readonly call: ToolCall }

export function responseFrames(head: ResponseHead): AnswerFrames {
  let sequence = 0
  const event = (type: string, data: object) =>
    namedEvent({ type: `response.${type}`, sequence_number: sequence++, ...data } as { type: string })
  const output: object[] = []
  let open: Open | undefined

  const id = () => `${head.id}${output.length}`
  const place = (item: { id: string }) => ({ item_id: item.id, output_index: output.length })

  /** @param status how the item ends */
  function close(status: 'completed' | 'incomplete'): string {
    if (!open) return ''
    const written = 'text' in open ? closedText(open.text, status) : closedCall(open.call)
    open = undefined
    return written
  }

  function closedText(text: string, status: 'completed' | 'incomplete'): string {
    const item = messageItem(id(), status, text)
    const at = { ...place(item), content_index: 0 }
    return [
      event('output_text.done', { ...at, text, logprobs: [] }),
      event('content_part.done', { ...at, part: textPart(text) }),
      ended(item),
    ].join('')
  }

  function closedCall(call: ToolCall): string {
    const item = callItem(id(), 'completed', call, head.read.known.get(call.name))
    const at = place(item)
    if (item.type === 'function_call')
      return (
        event('function_call_arguments.done', { ...at, name: item.name, arguments: call.arguments }) +
        ended(item)
      )
    // The text inside the arguments is known once they are complete.
    const { input } = item as { input: string }
    return [
      event('custom_tool_call_input.delta', { ...at, delta: input }),
      event('custom_tool_call_input.done', { ...at, input }),
      ended(item),
    ].join('')
  }

  function ended(item: object): string {
    const done = event('output_item.done', { output_index: output.length, item })
    output.push(item)
    return done
  }

  function textDelta(fresh: string): string {
    let begun = ''
    if (!open || !('text' in open)) {
      begun = close('completed')
      const item = messageItem(id(), 'in_progress')
      begun += event('output_item.added', { output_index: output.length, item })
      begun += event('content_part.added', { ...place(item), content_index: 0, part: textPart('') })
    }
    const before = open && 'text' in open ? open.text : ''
    open = { text: before + fresh }
    const at = { item_id: `msg_${id()}`, output_index: output.length, content_index: 0 }
    return begun + event('output_text.delta', { ...at, delta: fresh, logprobs: [] })
  }

  function callDelta({ index, call }: Extract<ChatDelta, { type: 'toolCall' }>): string {
    const known = head.read.known.get(call.name)
    let begun = ''
    let before = ''
    if (open && 'call' in open && open.index === index) before = open.call.arguments
    else {
      begun = close('completed')
      const item = callItem(id(), 'in_progress', call, known)
      begun += event('output_item.added', { output_index: output.length, item })
    }
    open = { index, call: { ...call, arguments: before + call.arguments } }
    if (known?.kind === 'custom') return begun
    const at = { item_id: `fc_${id()}`, output_index: output.length }
    return begun + event('function_call_arguments.delta', { ...at, delta: call.arguments })
  }

  return {
    start:
      event('created', { response: unfinished(head, 'in_progress', []) }) +
      event('in_progress', { response: unfinished(head, 'in_progress', []) }),
    delta: (delta) => (delta.type === 'text' ? textDelta(delta.text) : callDelta(delta)),
    end(result, extras = {}) {
      const status = statusOf(result)
      const closed = close(status)
      return closed + event(status, { response: finished(head, result, output, extras) })
    },
    fail: (error: TandemError) => {
      const { code, message } = errorBody(error).error
      return event('failed', {
        response: { ...unfinished(head, 'failed', output), error: { code, message } },
      })
    },
  }
}
