/** The house's answers in Anthropic's words, whole and as stream events. Pure. */
import { type ChatResult, TandemError, type ToolCall } from '../../../domain/index.ts'
import { namedEvent } from '../../answers/named-event.ts'
import type { AnswerFrames } from '../../answers/run-answer.ts'
import { type AnswerExtras, tandemPart } from '../../answers/tandem-part.ts'
import { anthropicError } from './error.ts'

/** What is the same in every part of one answer. */
export interface MessageHead {
  readonly id: string
  /** The name that the client asked for. */
  readonly model: string
}

/** Tokens read from the cache are not among the input tokens there. */
function toUsage({ promptTokens, cachedTokens, completionTokens }: ChatResult['usage']) {
  return {
    input_tokens: promptTokens - cachedTokens,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: cachedTokens,
    output_tokens: completionTokens,
  }
}

/** Before the prompt was read nothing is known of it; the end of the stream has the counts. */
const NO_USAGE = toUsage({ promptTokens: 0, cachedTokens: 0, completionTokens: 0 })

function toStop({ finishReason, stopSequence }: ChatResult) {
  const reason =
    finishReason === 'tool_calls' ? 'tool_use' : finishReason === 'length' ? 'max_tokens' : undefined
  return {
    stop_reason: reason ?? (stopSequence === undefined ? 'end_turn' : 'stop_sequence'),
    stop_sequence: reason === undefined ? (stopSequence ?? null) : null,
  }
}

/** @throws TandemError ENGINE_FAILED for arguments that are no JSON object */
function toToolUse({ id, name, arguments: text }: ToolCall) {
  return { type: 'tool_use', id, name, input: inputOf(name, text) }
}

function inputOf(name: string, text: string): object {
  const input = parsed(text)
  if (typeof input === 'object' && input !== null && !Array.isArray(input)) return input
  throw new TandemError('ENGINE_FAILED', {
    engine: 'the model',
    why: `the arguments of its call of ${name} are no JSON object`,
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const messageOf = (head: MessageHead) => ({
  id: head.id,
  type: 'message',
  role: 'assistant',
  model: head.model,
})

/** @throws TandemError ENGINE_FAILED for a call whose arguments are no JSON object */
export function wholeMessage(head: MessageHead, result: ChatResult, extras: AnswerExtras) {
  return {
    ...messageOf(head),
    content: [
      ...(result.text === '' ? [] : [{ type: 'text', text: result.text }]),
      ...result.toolCalls.map(toToolUse),
    ],
    ...toStop(result),
    usage: toUsage(result.usage),
    tandem: tandemPart(result, extras),
  }
}

export function messageFrames(head: MessageHead): AnswerFrames {
  let index = -1
  /** The block that is open: text, or the call with this index. */
  let open: 'text' | number | undefined
  const close = () => {
    if (open === undefined) return ''
    open = undefined
    return event('content_block_stop', { index })
  }
  const begin = (what: 'text' | number, content_block: object) => {
    const closed = close()
    index += 1
    open = what
    return closed + event('content_block_start', { index, content_block })
  }
  return {
    start:
      event('message_start', {
        message: { ...messageOf(head), content: [], stop_reason: null, stop_sequence: null, usage: NO_USAGE },
      }) + event('ping', {}), // as Anthropic's streams begin: some clients take it for the sign of life
    delta(delta) {
      if (delta.type === 'text') {
        const begun = open === 'text' ? '' : begin('text', { type: 'text', text: '' })
        return (
          begun + event('content_block_delta', { index, delta: { type: 'text_delta', text: delta.text } })
        )
      }
      const { id, name, arguments: partial_json } = delta.call
      const begun = open === delta.index ? '' : begin(delta.index, { type: 'tool_use', id, name, input: {} })
      return (
        begun + event('content_block_delta', { index, delta: { type: 'input_json_delta', partial_json } })
      )
    },
    end: (result, extras = {}) =>
      close() +
      event('message_delta', {
        delta: toStop(result),
        usage: toUsage(result.usage),
        tandem: tandemPart(result, extras),
      }) +
      event('message_stop', {}),
    fail: (error) => namedEvent(anthropicError(error)),
  }
}

const event = (type: string, data: object) => namedEvent({ type, ...data })
