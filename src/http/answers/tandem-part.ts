import type { ChatResult, Citation, ServedBy } from '../../domain/index.ts'

/** What Tandem adds to an answer, under `tandem`. */
export interface AnswerExtras {
  /** Passages put before the chat, in the order of their numbers; absent without retrieval. */
  readonly citations?: readonly Citation[]
  /** No passage was good enough, and the model needs them: it was not asked. */
  readonly refusal?: true
  /** Of a stream whose head went out while it waited, and named another than who served in the end. */
  readonly served_by?: ServedBy
}

/** The `tandem` field of a finished answer, the same in every dialect. */
export function tandemPart({ timings, continued }: ChatResult, extras: AnswerExtras) {
  return { timings, ...(continued ? { continued } : {}), ...extras }
}
