/** The house's answers in Ollama's words, whole and as lines. Pure. */
import type { ChatResult, ToolCall } from '../../../domain/index.ts'
import type { AnswerFrames } from '../../answers/run-answer.ts'
import { type AnswerExtras, tandemPart } from '../../answers/tandem-part.ts'
import { NDJSON } from '../../text-stream.ts'
import { ollamaError } from './error.ts'

/** What is the same in every part of one answer, and its clock. */
export interface AnswerHead {
  /** The name that the client asked for. */
  readonly model: string
  /** The time of a line, ISO 8601. */
  readonly now: () => string
  /** Milliseconds since the request came. */
  readonly elapsedMs: () => number
  /** Options that do nothing here. */
  readonly ignored: readonly string[]
}

/** Where a route puts the text, and the calls beside it. */
export type Say = (text: string, calls?: readonly ToolCall[]) => object

export const sayInChat: Say = (text, calls = []) => ({
  message: {
    role: 'assistant',
    content: text,
    ...(calls.length > 0 ? { tool_calls: calls.flatMap(toToolCall) } : {}),
  },
})

export const sayGenerated: Say = (text) => ({ response: text })

/** A call whose arguments were cut off by the limit of tokens is none: `done_reason` tells. */
function toToolCall({ id, name, arguments: text }: ToolCall, index: number) {
  try {
    return [{ id, function: { index, name, arguments: JSON.parse(text) as unknown } }]
  } catch {
    return []
  }
}

const toNs = (ms: number): number => Math.max(0, Math.round(ms * 1e6))

const lineHead = (head: AnswerHead) => ({ model: head.model, created_at: head.now() })

/** What the model itself did not take is waiting for it, loading included. */
function counts({ usage, timings }: ChatResult, totalMs: number) {
  const { firstTokenMs, decodeMs } = timings
  return {
    total_duration: toNs(totalMs),
    load_duration: toNs(totalMs - firstTokenMs - decodeMs),
    prompt_eval_count: usage.promptTokens,
    prompt_eval_duration: toNs(firstTokenMs),
    eval_count: usage.completionTokens,
    eval_duration: toNs(decodeMs),
  }
}

function ending(head: AnswerHead, result: ChatResult, extras: AnswerExtras) {
  return {
    done: true,
    done_reason: result.finishReason === 'length' ? 'length' : 'stop',
    ...counts(result, head.elapsedMs()),
    tandem: {
      ...tandemPart(result, extras),
      ...(head.ignored.length > 0 ? { ignored_options: head.ignored } : {}),
    },
  }
}

export function wholeAnswer(head: AnswerHead, say: Say, result: ChatResult, extras: AnswerExtras) {
  return { ...lineHead(head), ...say(result.text, result.toolCalls), ...ending(head, result, extras) }
}

/** What a request without a prompt gets once the model is there. */
export function loadedAnswer(head: AnswerHead, say: Say) {
  const took = toNs(head.elapsedMs())
  return {
    ...lineHead(head),
    ...say(''),
    done: true,
    done_reason: 'load',
    total_duration: took,
    load_duration: took,
  }
}

/** The same where it was to go, as Ollama says it: also where something still runs on the model, or nothing was loaded. */
export function unloadedAnswer(head: AnswerHead, say: Say) {
  return { ...lineHead(head), ...say(''), done: true, done_reason: 'unload' }
}

const line = (value: object) => `${JSON.stringify(value)}\n`

export function answerLines(head: AnswerHead, say: Say): AnswerFrames {
  return {
    form: NDJSON,
    start: '',
    // calls go out whole, as clients expect them
    delta: (delta) =>
      delta.type === 'text' ? line({ ...lineHead(head), ...say(delta.text), done: false }) : '',
    end(result, extras = {}) {
      const calls =
        result.toolCalls.length > 0
          ? line({ ...lineHead(head), ...say('', result.toolCalls), done: false })
          : ''
      return calls + line({ ...lineHead(head), ...say(''), ...ending(head, result, extras) })
    },
    fail: (error) => line(ollamaError(error)),
  }
}
