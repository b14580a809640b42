import type { Task } from '../../domain/index.ts'
import type { DownloadProgress } from '../fetch/index.ts'
import type { WeightFormat } from '../layouts/weights.ts'
import type { SizedSet } from './selection.ts'

export interface PullRequest {
  /** A known id or `OWNER/NAME`, with `@REVISION` where it is not the usual one. */
  readonly name: string
  readonly format?: WeightFormat
  /** Which weights, where a repository has several. */
  readonly file?: string
  readonly dryRun: boolean
  readonly home: string
  readonly hub: { readonly url: string; readonly token?: string | undefined }
  /** `HF_TOKEN` of it is the token where `hub` has none. */
  readonly env: NodeJS.ProcessEnv
  readonly signal: AbortSignal
  readonly onProgress: (progress: DownloadProgress) => void
  /** What a person should hear while it goes on. */
  readonly say: (message: string) => void
  readonly tuning?: {
    readonly attempts?: number
    readonly backoffMs?: number
    readonly stallMs?: number
    readonly parallel?: number
    readonly rangeBytes?: number
  }
}

export interface Pulled {
  /** `planned`: nothing was fetched. */
  readonly state: 'pulled' | 'present' | 'planned'
  readonly id: string
  readonly repository: string
  /** The commit. */
  readonly revision: string
  readonly format: WeightFormat
  readonly license: string
  readonly folder: string
  readonly tasks?: readonly Task[]
  readonly weights: string
  readonly others: readonly SizedSet[]
  readonly otherFormats: readonly WeightFormat[]
  readonly files: readonly { readonly path: string; readonly sizeBytes: number; readonly sha256?: string }[]
  readonly totalBytes: number
  readonly fetchedBytes: number
  readonly warnings: readonly string[]
}

export type PullOutcome = Pulled | Ambiguous

/** Several weights would do: a person must say which. */
export interface Ambiguous {
  readonly state: 'ambiguous'
  readonly repository: string
  readonly format: WeightFormat
  readonly why: string
  readonly candidates: readonly SizedSet[]
}
