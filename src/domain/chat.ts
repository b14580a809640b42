/** One internal form of a chat: every dialect maps to it, every chat engine answers it. */

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
  | { readonly role: 'system' | 'user'; readonly content: string }
  | { readonly role: 'assistant'; readonly content: string; readonly toolCalls?: readonly ToolCall[] }
  | { readonly role: 'tool'; readonly content: string; readonly toolCallId: string }

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

export interface ChatRequest {
  readonly model: string
  readonly messages: readonly ChatMessage[]
  readonly sampling: Sampling
  readonly responseFormat: ResponseFormat
  readonly tools: readonly ToolSpec[]
  readonly toolChoice: 'auto' | 'none' | 'required' | { readonly name: string }
}

/** Raw text continuation, no template. */
export interface CompletionRequest {
  readonly model: string
  readonly prompt: string
  readonly sampling: Sampling
}

export type ChatDelta =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'toolCall'; readonly index: number; readonly call: ToolCall }

export interface Usage {
  readonly promptTokens: number
  readonly completionTokens: number
  /** Prompt tokens that were still in the cache. */
  readonly cachedTokens: number
}

export interface ChatResult {
  readonly text: string
  readonly toolCalls: readonly ToolCall[]
  readonly finishReason: 'stop' | 'length' | 'tool_calls'
  readonly usage: Usage
  /** Milliseconds inside the worker: prompt read until the first token, and all tokens after it. */
  readonly timings: { readonly firstTokenMs: number; readonly decodeMs: number }
}
