/** The house's answers in llama-server's words, whole and as stream events (llama.cpp tools/server/README.md). Pure. */
import type { ChatResult, TandemError } from '../../../domain/index.ts'
import type { AnswerFrames } from '../../answers/run-answer.ts'
import { type AnswerExtras, tandemPart } from '../../answers/tandem-part.ts'

/** What is the same in every part of one answer. */
export interface InfillHead {
  readonly model: string
  /** The prompt was only to be read: what was written is not shown. */
  readonly silent: boolean
  /** `timings/prompt_n` and the like: only these are sent; absent: all. */
  readonly fields?: readonly string[]
}

const perSecond = (count: number, ms: number) => (ms > 0 ? (1000 * count) / ms : 0)
const each = (count: number, ms: number) => (count > 0 ? ms / count : 0)

function timingsOf({ usage, timings }: ChatResult) {
  const { firstTokenMs, decodeMs } = timings
  const read = usage.promptTokens - usage.cachedTokens
  const written = usage.completionTokens
  return {
    cache_n: usage.cachedTokens,
    prompt_n: read,
    prompt_ms: firstTokenMs,
    prompt_per_token_ms: each(read, firstTokenMs),
    prompt_per_second: perSecond(read, firstTokenMs),
    predicted_n: written,
    predicted_ms: decodeMs,
    predicted_per_token_ms: each(written, decodeMs),
    predicted_per_second: perSecond(written, decodeMs),
  }
}

function stopOf({ finishReason, stopSequence }: ChatResult) {
  if (finishReason === 'length') return { stop_type: 'limit', stopping_word: '' }
  return stopSequence === undefined
    ? { stop_type: 'eos', stopping_word: '' }
    : { stop_type: 'word', stopping_word: stopSequence }
}

function ending(head: InfillHead, result: ChatResult, content: string, extras: AnswerExtras): object {
  const { usage } = result
  const whole = {
    index: 0,
    content: head.silent ? '' : content,
    stop: true,
    model: head.model,
    tokens_predicted: usage.completionTokens,
    tokens_evaluated: usage.promptTokens,
    tokens_cached: usage.promptTokens + usage.completionTokens,
    truncated: false,
    ...stopOf(result),
    timings: timingsOf(result),
    tandem: tandemPart(result, extras),
  }
  return head.fields ? chosen(whole, head.fields) : whole
}

/** Fields by their paths, each under its whole path; one that is not there is left out. */
function chosen(whole: object, fields: readonly string[]): object {
  const found = fields.flatMap((field) => {
    let value: unknown = whole
    for (const key of field.split('/')) {
      const within = typeof value === 'object' && value !== null && Object.hasOwn(value, key)
      value = within ? (value as Record<string, unknown>)[key] : undefined
    }
    return value === undefined ? [] : [[field, value] as const]
  })
  return Object.fromEntries(found)
}

export function wholeInfill(head: InfillHead, result: ChatResult): object {
  return ending(head, result, result.text, {})
}

const event = (data: object) => `data: ${JSON.stringify(data)}\n\n`

export function infillFrames(head: InfillHead): AnswerFrames {
  return {
    start: '',
    delta: (delta) =>
      delta.type === 'text' && !head.silent
        ? event({ index: 0, content: delta.text, tokens: delta.tokens ?? [], stop: false })
        : '',
    end: (result, more) => event(ending(head, result, '', more ?? {})),
    fail: (error) => event(llamaServerError(error)),
  }
}

/** An error in the form of llama-server: the code is the status. */
export function llamaServerError({ status, message, type }: TandemError) {
  return { error: { code: status, message, type } }
}
