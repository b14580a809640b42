/** Messages between the main process and the parse thread; every request ends with `done` or `failed`. */
import type { WireError } from '../../domain/index.ts'
import type { PathVerdict } from './explain.ts'
import type { PathsRequest, ScanBatch, ScanRequest } from './scan.ts'
import type { WalkOptions } from './walk.ts'

export interface ExplainRequest {
  readonly root: string
  readonly path: string
  readonly options: WalkOptions
}

export type ToThread =
  | { readonly type: 'scan'; readonly id: number; readonly request: ScanRequest }
  | { readonly type: 'paths'; readonly id: number; readonly request: PathsRequest }
  | { readonly type: 'explain'; readonly id: number; readonly request: ExplainRequest }
  /** The consumer took a batch. */
  | { readonly type: 'taken'; readonly id: number }
  | { readonly type: 'cancel'; readonly id: number }

export type FromThread =
  | { readonly type: 'batch'; readonly id: number; readonly batch: ScanBatch }
  | { readonly type: 'done'; readonly id: number; readonly verdict?: PathVerdict }
  | { readonly type: 'failed'; readonly id: number; readonly error: WireError }

/** Batches on their way to a consumer that has not taken them yet. */
export const BATCHES_AHEAD = 2
