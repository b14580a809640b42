/** The house's answers in OpenAI's words, whole and as stream events. Pure. */
import type { ChatResult, ToolCall } from '../../../domain/index.ts'
import type { AnswerFrames } from '../../answers/run-answer.ts'
import { type AnswerExtras, tandemPart } from '../../answers/tandem-part.ts'
import { errorBody } from '../../errors.ts'

/** What is the same in every part of one answer. */
export interface AnswerHead {
  readonly id: string
  /** Seconds since 1970. */
  readonly created: number
  /** The name that the client asked for. */
  readonly model: string
  readonly systemFingerprint: string
}

const event = (data: unknown) => `data: ${JSON.stringify(data)}\n\n`

const DONE = 'data: [DONE]\n\n'

function toUsage({ usage, continued }: ChatResult) {
  return {
    prompt_tokens: usage.promptTokens,
    completion_tokens: usage.completionTokens,
    total_tokens: usage.promptTokens + usage.completionTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedTokens },
    ...(continued ? { tandem: { continued } } : {}),
  }
}

const toToolCall = (call: ToolCall) => ({
  id: call.id,
  type: 'function',
  function: { name: call.name, arguments: call.arguments },
})

function chunkHead(head: AnswerHead, object: string) {
  return {
    id: head.id,
    object,
    created: head.created,
    model: head.model,
    system_fingerprint: head.systemFingerprint,
  }
}

export function chatCompletion(head: AnswerHead, result: ChatResult, extras: AnswerExtras) {
  const calls = result.toolCalls.map(toToolCall)
  return {
    ...chunkHead(head, 'chat.completion'),
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: result.text === '' && calls.length > 0 ? null : result.text,
          refusal: null,
          ...(calls.length > 0 ? { tool_calls: calls } : {}),
        },
        logprobs: null,
        finish_reason: result.finishReason,
      },
    ],
    usage: toUsage(result),
    tandem: tandemPart(result, extras),
  }
}

/** The last chunk before `[DONE]` carries `tandem`: the usage chunk where one was asked for. */
function lastChunks(
  head: object,
  choice: object,
  result: ChatResult,
  extras: AnswerExtras,
  includeUsage: boolean,
): string {
  const tandem = tandemPart(result, extras)
  if (!includeUsage) return event({ ...head, choices: [choice], tandem }) + DONE
  const finish = event({ ...head, choices: [choice], usage: null })
  return finish + event({ ...head, choices: [], usage: toUsage(result), tandem }) + DONE
}

/** Only the text differs from delta to delta: the event before and after it is written out once. @param key of the text */
function aroundText(key: string, chunkOf: (text: string) => object): [before: string, after: string] {
  const HOLE = 'TEXT'
  return event(chunkOf(HOLE)).split(`"${key}":"${HOLE}"`) as [string, string]
}

export function chatFrames(head: AnswerHead, includeUsage: boolean): AnswerFrames {
  const constant = chunkHead(head, 'chat.completion.chunk')
  const usage = includeUsage ? { usage: null } : {}
  const chunk = (delta: object, finish_reason: string | null) => ({
    ...constant,
    choices: [{ index: 0, delta, logprobs: null, finish_reason }],
    ...usage,
  })
  const [before, after] = aroundText('content', (text) => chunk({ content: text }, null))
  const begun = new Set<number>()
  return {
    start: `${before}"role":"assistant","content":"","refusal":null${after}`,
    delta(delta) {
      if (delta.type === 'text') return `${before}"content":${JSON.stringify(delta.text)}${after}`
      const call = begun.has(delta.index)
        ? { function: { arguments: delta.call.arguments } }
        : toToolCall(delta.call)
      begun.add(delta.index)
      return event(chunk({ tool_calls: [{ index: delta.index, ...call }] }, null))
    },
    end(result, extras = {}) {
      const choice = { index: 0, delta: {}, logprobs: null, finish_reason: result.finishReason }
      return lastChunks(constant, choice, result, extras, includeUsage)
    },
    // no `[DONE]` follows
    fail: (error) => event(chunk({}, 'error')) + event(errorBody(error)),
  }
}

export function textCompletion(head: AnswerHead, result: ChatResult) {
  return {
    ...chunkHead(head, 'text_completion'),
    choices: [{ index: 0, text: result.text, logprobs: null, finish_reason: result.finishReason }],
    usage: toUsage(result),
    tandem: tandemPart(result, {}),
  }
}

export function completionFrames(head: AnswerHead, includeUsage: boolean): AnswerFrames {
  const constant = chunkHead(head, 'text_completion')
  const usage = includeUsage ? { usage: null } : {}
  const choice = (text: string, finish_reason: string | null) => ({
    index: 0,
    text,
    logprobs: null,
    finish_reason,
  })
  const chunkOf = (text: string) => ({ ...constant, choices: [choice(text, null)], ...usage })
  const [before, after] = aroundText('text', chunkOf)
  return {
    start: '',
    delta: (delta) => (delta.type === 'text' ? `${before}"text":${JSON.stringify(delta.text)}${after}` : ''),
    end: (result, more) =>
      lastChunks(constant, choice('', result.finishReason), result, more ?? {}, includeUsage),
    fail: (error) =>
      event({ ...constant, choices: [choice('', 'error')], ...usage }) + event(errorBody(error)),
  }
}
