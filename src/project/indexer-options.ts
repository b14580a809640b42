import type { Model } from '../domain/index.ts'
import type { Serving } from '../scheduling/contract.ts'
import type { Logger } from '../telemetry/index.ts'
import type { IndexerChange } from './announcer.ts'
import type { ParseThread, WalkOptions } from './indexing/index.ts'
import type { OpenStore, StoreCounts } from './store/contract.ts'

/** What one project's indexer needs. */
export interface IndexerOptions {
  readonly name: string
  /** Absolute, without links. */
  readonly root: string
  /** Folder of the index. */
  readonly folder: string
  readonly openStore: OpenStore
  readonly parse: ParseThread
  readonly serving: Pick<Serving, 'embed'>
  readonly model: Model
  readonly walk: WalkOptions
  readonly watch: boolean
  /** Version of the chunker that last went over the whole tree. */
  readonly chunker: number
  readonly log: Logger
  /** A scan of the whole tree is in the store. */
  readonly onScanned: (counts: StoreCounts) => void
  readonly onChange: (change: IndexerChange) => void
  /** Milliseconds before what failed is tried again for the first time; tests shorten it. */
  readonly retryMs?: number
}
