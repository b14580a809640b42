/** Puts the passages of a project before a chat, fitted to the model's window. */
import type { ChatMessage, ChatRequest, ChatResult, Citation } from '../domain/index.ts'
import { TandemError } from '../domain/index.ts'
import type { Asker, Projects } from '../project/contract.ts'
import type { Serving } from '../scheduling/contract.ts'
import type { ModelEntry } from './deps.ts'

/** Caps for a model whose manifest names none: more passages help less than they cost. */
const DEFAULT_PASSAGES = { tokens: 6_000, count: 12 }
/** Kept free for the reply where neither the request nor the manifest says how much. */
const DEFAULT_REPLY_TOKENS = 512
/** The sentence before the passages and the turn around it. */
const FRAME_TOKENS = 64

export interface Grounded {
  readonly chat: ChatRequest
  /** In the order of their numbers; empty when nothing was good enough. */
  readonly citations: readonly Citation[]
  /** Present when the model must not be asked: what to answer instead. */
  readonly refusal?: string
}

/** One system message: the client's own first, then the retrieval text as it is. */
export function withSystem(messages: readonly ChatMessage[], text: string): ChatMessage[] {
  const own = messages.filter(({ role }) => role === 'system').map(({ content }) => content)
  const rest = messages.filter(({ role }) => role !== 'system')
  return [{ role: 'system', content: [...own, text].join('\n\n') }, ...rest]
}

/** Tokens for passages: what the window leaves after the messages and the reply, and what the model is good at. */
export function passageBudget(
  windowTokens: number,
  promptTokens: number,
  replyTokens: number | undefined,
  traits: ModelEntry['chat'],
): number {
  // A client that reserves the whole window for the reply still gets passages.
  const reply = Math.min(
    replyTokens ?? traits?.maxTokens ?? DEFAULT_REPLY_TOKENS,
    Math.floor(windowTokens / 4),
  )
  const left = windowTokens - promptTokens - reply - FRAME_TOKENS
  return Math.max(0, Math.min(left, traits?.maxPassageTokens ?? DEFAULT_PASSAGES.tokens))
}

/**
 * @param vector the question embedded already: unit length, of the index's dimensions
 * @throws TandemError PROJECT_NOT_FOUND, INVALID_REQUEST without a user message, CONTEXT_LENGTH_EXCEEDED
 */
export async function groundChat(
  { serving, projects }: { serving: Serving; projects: Projects | undefined },
  model: ModelEntry,
  project: string,
  chat: ChatRequest,
  asker: Asker,
  vector?: Float32Array,
): Promise<Grounded> {
  if (!projects) throw new TandemError('PROJECT_NOT_FOUND', { project })
  projects.get(project)
  const question = chat.messages.findLast(({ role }) => role === 'user')
  if (!question || question.content.trim() === '')
    throw new TandemError(
      'INVALID_REQUEST',
      { what: 'messages: retrieval needs a user message with text to search for' },
      { param: 'messages' },
    )
  const { signal } = asker
  const window = serving.contextTokens(model.id)
  const { tokens: prompt } = await serving.countPrompt(model.id, chat.messages, chat.tools, signal)
  if (prompt >= window) throw new TandemError('CONTEXT_LENGTH_EXCEEDED', { limit: window, tokens: prompt })
  const found = await projects.passages({
    query: question.content,
    ...(vector ? { vector } : {}),
    project,
    countTokens: (texts) => serving.countTokens(model.id, texts, signal),
    maxTokens: passageBudget(window, prompt, chat.sampling.maxTokens, model.chat),
    maxPassages: model.chat?.maxPassages ?? DEFAULT_PASSAGES.count,
    ...(model.chat?.minScoreShare === undefined ? {} : { minScoreShare: model.chat.minScoreShare }),
    ...asker,
  })
  const citations = found.passages.map(({ path, startLine, endLine, score }) => ({
    path,
    startLine,
    endLine,
    score,
  }))
  if (citations.length > 0)
    return { chat: { ...chat, messages: withSystem(chat.messages, found.systemMessage) }, citations }
  if (found.refusal !== undefined && model.chat?.groundedOnly)
    return { chat, citations, refusal: found.refusal }
  return { chat, citations }
}

/** A refusal in the form of a model's answer: no tokens were spent. */
export function refusalResult(text: string): ChatResult {
  return {
    text,
    toolCalls: [],
    finishReason: 'stop',
    usage: { promptTokens: 0, completionTokens: 0, cachedTokens: 0 },
    timings: { firstTokenMs: 0, decodeMs: 0 },
  }
}
