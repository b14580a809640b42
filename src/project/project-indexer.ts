/** One project's life: its store, its watcher, its scans, and what it says of itself. */
import type { Model, ProjectState, ProjectStatus } from '../domain/index.ts'
import { asTandemError, type TandemError } from '../domain/index.ts'
import type { Serving } from '../scheduling/contract.ts'
import type { Logger } from '../telemetry/index.ts'
import type { IndexerChange } from './announcer.ts'
import { Embedder } from './embedder.ts'
import {
  CHUNKER_VERSION,
  type Changes,
  type ParseThread,
  type ScanBatch,
  TreeWatcher,
  type WalkOptions,
} from './indexing/index.ts'
import { KnownFiles } from './known-files.ts'
import { Progress } from './progress.ts'
import type { IndexStore, OpenStore, StoreCounts } from './store/contract.ts'

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
}

export class ProjectIndexer {
  readonly #options: IndexerOptions
  readonly #progress = new Progress()
  readonly #opening: Promise<IndexStore>
  #store: IndexStore | undefined
  #embedder: Embedder | undefined
  #watcher: TreeWatcher | undefined
  readonly #known = new KnownFiles()
  #counts: StoreCounts = { files: 0, chunks: 0, pending: 0 }
  #embedded = 0
  #missing = false
  #failure: TandemError | undefined
  #rechunk: boolean
  /** A whole scan runs, and another was asked for meanwhile. */
  #scanning = false
  #scanAgain = false
  /** Paths to look at, those being looked at now, and those to look at once more after the scan that runs. */
  #waiting = new Set<string>()
  #pathsRunning = false
  #duringScan = new Set<string>()
  #shown: ProjectState | undefined
  #settling: Promise<void> | undefined
  #settleAgain = false
  #closed = false

  constructor(options: IndexerOptions) {
    this.#options = options
    this.#rechunk = options.chunker !== CHUNKER_VERSION
    const { embedding, fingerprint } = options.model
    this.#opening = options.openStore(options.folder, { fingerprint, dimensions: embedding?.dimensions ?? 0 })
    this.#opening.catch(() => {}) // `start` reports it
  }

  /** The index; searches wait for it. @throws TandemError ENGINE_FAILED when it cannot be opened */
  store(): Promise<IndexStore> {
    return this.#opening
  }

  /** Opens the index and begins to catch up with the tree; resolves when the index is open, never rejects. */
  async start(): Promise<void> {
    this.#scanning = true // shown as indexing from the start
    try {
      const store = await this.#opening
      if (this.#closed) return
      this.#store = store
      this.#embedder = new Embedder({
        store,
        serving: this.#options.serving,
        model: this.#options.model.id,
        onEmbedded: (chunks) => this.#onEmbedded(chunks),
        onIdle: () => this.#settle(),
      })
      this.#counts = await store.counts()
      this.#known.put(await store.files())
      this.#embedder.kick()
    } catch (error) {
      this.#failure = asTandemError(error)
      this.#scanning = false
      this.#settle()
      return
    }
    void this.#follow()
  }

  status(): ProjectStatus {
    const { name, root } = this.#options
    const state = this.#state()
    const error = state === 'failed' ? (this.#failure ?? this.#embedder?.failure)?.message : undefined
    return {
      name,
      path: root,
      files: this.#counts.files,
      chunks: this.#counts.chunks,
      embedded: this.#embedded,
      state,
      ...(error !== undefined && { error }),
      progress: this.#progress.read(state === 'indexing', this.#scanning, this.#counts.pending),
    }
  }

  /** Compares the whole tree again; several calls meanwhile become one. */
  rescan(): void {
    if (this.#closed || !this.#store) return
    if (this.#scanning) this.#scanAgain = true
    else void this.#scan()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#embedder?.close()
    await this.#watcher?.close()
    const store = await this.#opening.catch(() => undefined)
    await this.#settling
    await store?.close()
  }

  async #follow(): Promise<void> {
    const { root, walk, watch, log, name } = this.#options
    if (watch) {
      this.#watcher = new TreeWatcher({
        root,
        excluded: walk.excluded,
        onChanges: (changes) => this.#onChanges(changes),
        onMissing: (missing) => this.#onMissing(missing),
        onWarning: (message) => log.warn({ project: name }, message),
      })
      await this.#watcher.start() // before the scan: nothing is saved between the two unseen
    }
    if (!this.#closed) await this.#scan()
  }

  #onChanges(changes: Changes): void {
    if (changes === 'all') this.rescan()
    else {
      for (const path of changes) this.#waiting.add(path)
      if (this.#scanning) for (const path of changes) this.#duringScan.add(path)
      void this.#lookAtPaths()
    }
  }

  #onMissing(missing: boolean): void {
    this.#missing = missing
    this.#settle()
  }

  async #scan(): Promise<void> {
    this.#scanning = true
    this.#failure = undefined
    this.#show()
    const { parse, root, walk } = this.#options
    try {
      const known = this.#known.all()
      await this.#apply(parse.scan({ root, known, options: walk, rechunk: this.#rechunk }), true)
      if (this.#closed) return
      this.#missing = false
      this.#rechunk = false
      await this.#readCounts()
      this.#options.onScanned(this.#counts)
    } catch (error) {
      this.#onScanError(error)
    } finally {
      this.#scanning = false
    }
    // A scan may have stored what it read before a later save: those paths are compared once more.
    for (const path of this.#duringScan) this.#waiting.add(path)
    this.#duringScan.clear()
    if (this.#scanAgain) {
      this.#scanAgain = false
      this.rescan()
    }
    void this.#lookAtPaths()
    this.#embedder?.kick()
  }

  async #lookAtPaths(): Promise<void> {
    if (this.#pathsRunning || this.#closed || this.#waiting.size === 0) return
    this.#pathsRunning = true
    this.#show()
    const { parse, root, walk } = this.#options
    const paths = [...this.#waiting]
    this.#waiting = new Set()
    try {
      const known = this.#known.of(paths)
      const updated = await this.#apply(
        parse.paths({ root, paths, known, options: walk, rechunk: false }),
        false,
      )
      if (updated.length > 0) this.#options.onChange({ updated })
    } catch (error) {
      this.#onScanError(error)
    } finally {
      this.#pathsRunning = false
    }
    if (this.#waiting.size > 0) void this.#lookAtPaths()
    else this.#embedder?.kick()
  }

  /** Brings what a scan found into the store, batch by batch; the next batch is parsed meanwhile. */
  async #apply(batches: AsyncIterable<ScanBatch>, whole: boolean): Promise<string[]> {
    const updated: string[] = []
    const store = this.#store!
    for await (const batch of batches) {
      if (this.#closed) break
      const removed = this.#known.atOrBelow(batch.removed)
      if (batch.files.length > 0) await store.putFiles(batch.files)
      if (batch.touched.length > 0) await store.touchFiles(batch.touched)
      if (removed.length > 0) await store.removeFiles(removed)
      this.#known.put(batch.files)
      this.#known.put(batch.touched)
      this.#known.remove(removed)
      if (!whole) updated.push(...batch.files.map((file) => file.path), ...removed)
      if (whole) this.#progress.scanned(batch)
      if (batch.files.length > 0) this.#embedder?.kick()
      if (batch.files.length > 0 || removed.length > 0) this.#settle()
    }
    return updated
  }

  #onScanError(error: unknown): void {
    if (this.#closed) return
    const known = asTandemError(error)
    if (known.code === 'PATH_NOT_FOUND') this.#missing = true
    else this.#failure = known
    this.#options.log.warn({ project: this.#options.name }, `indexing: ${known.message}`)
    this.#settle()
  }

  #onEmbedded(chunks: number): void {
    this.#embedded += chunks
    this.#progress.embedded(chunks)
    this.#settle()
  }

  #state(): ProjectState {
    if (this.#missing) return 'missing'
    const working = this.#scanning || this.#pathsRunning || this.#embedder?.idle === false
    if (this.#failure ?? this.#embedder?.failure) return 'failed'
    // Counts that still name pending chunks are about to be read again, or the embedder about to be kicked.
    return working || this.#settling || this.#counts.pending > 0 ? 'indexing' : 'ready'
  }

  /** Reads the counts again and tells of it; calls meanwhile become one. */
  #settle(): void {
    if (this.#settling) {
      this.#settleAgain = true
      return
    }
    this.#settling = this.#readCounts().finally(() => {
      this.#settling = undefined
      if (this.#settleAgain && !this.#closed) {
        this.#settleAgain = false
        this.#settle()
      } else this.#show()
    })
  }

  async #readCounts(): Promise<void> {
    try {
      if (this.#store && !this.#closed) this.#counts = await this.#store.counts()
    } catch (error) {
      if (!this.#closed) this.#failure = asTandemError(error)
    }
  }

  #show(): void {
    if (this.#closed) return
    const state = this.#state()
    this.#options.onChange({ state: state !== this.#shown })
    this.#shown = state
  }
}
