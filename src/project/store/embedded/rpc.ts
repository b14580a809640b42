/** What crosses the port between the main thread and the store's thread. */
import type { WireError } from '../../../domain/index.ts'
import type { IndexStore, VectorSpace } from '../contract.ts'

/** The store's methods that the thread answers; `close` is one of them. */
export type Method = keyof IndexStore

export interface Request {
  readonly id: number
  readonly method: Method
  readonly args: readonly unknown[]
}

export type Reply =
  | { readonly type: 'opened' }
  | { readonly type: 'failed'; readonly error: WireError }
  | { readonly type: 'warning'; readonly text: string }
  | { readonly type: 'result'; readonly id: number; readonly value: unknown }
  | { readonly type: 'error'; readonly id: number; readonly error: WireError }

export interface ThreadData {
  readonly folder: string
  readonly space: VectorSpace
}
