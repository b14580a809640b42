export type ProjectState = 'indexing' | 'ready' | 'failed' | 'missing'

/** A folder tree that is indexed. */
export interface ProjectStatus {
  readonly name: string
  /** Absolute. */
  readonly path: string
  readonly files: number
  readonly chunks: number
  /** Chunks embedded since the server started. */
  readonly embedded: number
  readonly state: ProjectState
  /** Present when `failed`. */
  readonly error?: string
  readonly progress?: IndexProgress
}

/** Where a running index stands. */
export interface IndexProgress {
  readonly phase: 'scanning' | 'embedding' | 'done'
  readonly filesTotal: number
  readonly filesDone: number
  readonly filesSkipped: number
  /** Chunks that still wait for their vector. */
  readonly chunksPending: number
  readonly chunksEmbedded: number
  readonly chunksPerSecond: number
  /** Seconds; absent while unknown. */
  readonly remainingS?: number
}
