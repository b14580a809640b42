/** One internal form of a chat: every dialect maps to it, every chat engine answers it. */
import type { ChatImage } from './image.ts'

export type JsonSchema = Readonly<Record<string, unknown>>

export interface ToolSpec {
  readonly name: string
  readonly description?: string
  readonly parameters?: JsonSchema
}

export interface ToolCall {
  readonly id: string
  readonly name: string
  /** JSON text. */
  readonly arguments: string
}

export type ChatMessage =
  | { readonly role: 'system'; readonly content: string }
  | { readonly role: 'user'; readonly content: string; readonly images?: readonly ChatImage[] }
  | { readonly role: 'assistant'; readonly content: string; readonly toolCalls?: readonly ToolCall[] }
  | {
      readonly role: 'tool'
      readonly content: string
      readonly toolCallId: string
      readonly images?: readonly ChatImage[]
    }

export interface Sampling {
  readonly maxTokens?: number
  readonly temperature?: number
  readonly topP?: number
  readonly topK?: number
  readonly minP?: number
  readonly seed?: number
  readonly frequencyPenalty?: number
  readonly presencePenalty?: number
  readonly stop: readonly string[]
}

export type ResponseFormat =
  | { readonly type: 'text' }
  | { readonly type: 'json_object' }
  | { readonly type: 'json_schema'; readonly schema: JsonSchema }

/** What of an answer was sent before its worker was lost: the next one goes on from there. */
export interface ChatResume {
  /**
   * Ids that the model has written so far, those whose text is still held back included. The same model has the same
   * ids, so replaying them is exact where reading the text again may not be. Empty: the first engine knows no ids.
   */
  readonly tokens: readonly number[]
  /** What was shown of them. */
  readonly text: string
  /** Calls that were sent, after the text. */
  readonly toolCalls: readonly ToolCall[]
  /** Tokens that those calls took. */
  readonly callTokens: number
}

export interface ChatRequest {
  readonly model: string
  readonly messages: readonly ChatMessage[]
  readonly sampling: Sampling
  readonly responseFormat: ResponseFormat
  readonly tools: readonly ToolSpec[]
  readonly toolChoice: 'auto' | 'none' | 'required' | { readonly name: string }
  readonly resume?: ChatResume
}

/** What stands around a text that is to be filled in. */
export interface Infill {
  readonly suffix: string
  /** Other texts that the model is to know of, e.g. open files, the least important first. */
  readonly extra: readonly { readonly name: string; readonly text: string }[]
}

/** A text to read as tokens. */
export interface TokenizeRequest {
  readonly text: string
  /** Those that begin a text are put before it. */
  readonly add: boolean
  /** Names of special tokens in the text are read as these. */
  readonly parse: boolean
}

/** Raw text continuation, no template. */
export interface CompletionRequest {
  readonly model: string
  readonly prompt: string
  /** The answer is to stand between `prompt` and this. */
  readonly infill?: Infill
  readonly sampling: Sampling
  readonly resume?: ChatResume
}

export type ChatDelta =
  | {
      readonly type: 'text'
      readonly text: string
      /** Ids decoded since the last delta, those whose text is held back included; absent: the engine knows none. */
      readonly tokens?: readonly number[]
    }
  | {
      readonly type: 'toolCall'
      readonly index: number
      readonly call: ToolCall
      /** Tokens decoded since the last delta. */
      readonly spentTokens?: number
    }

export interface Usage {
  readonly promptTokens: number
  readonly completionTokens: number
  /** Prompt tokens that were still in the cache. */
  readonly cachedTokens: number
}

/** What a prompt takes. */
export interface PromptCount {
  readonly tokens: number
  /** Nobody counted: its server does not, or it holds pictures. */
  readonly estimated: boolean
}

/** An answer that went on elsewhere, or on the same placement after its restart. */
export interface ChatMove {
  /** `llama.cpp on gpu0` */
  readonly from: string
  readonly to: string
  readonly why: string
  /** Tokens of the answer that had been written. */
  readonly atToken: number
}

export interface ChatResult {
  readonly text: string
  readonly toolCalls: readonly ToolCall[]
  readonly finishReason: 'stop' | 'length' | 'tool_calls'
  /** The one of `sampling.stop` that ended the text; absent: none did, or the engine does not tell. */
  readonly stopSequence?: string
  readonly usage: Usage
  /** Milliseconds inside the worker: prompt read until the first token, and all tokens after it. */
  readonly timings: { readonly firstTokenMs: number; readonly decodeMs: number }
  /** Where the answer was interrupted and went on, in order; absent: one worker wrote it all. */
  readonly continued?: readonly ChatMove[]
}
