/** Compares a tree with what is known of it, in bounded batches; runs in the parse thread. */
import { setImmediate } from 'node:timers/promises'
import type { FileRecord, FileStamp } from '../records.ts'
import { readFileRecord, type SeenFile } from './read-file.ts'
import { type WalkEntry, type WalkOptions, walk, walkPath } from './walk.ts'

/** A part of what a scan found, and how far it is. */
export interface ScanBatch {
  readonly files: readonly FileRecord[]
  /** Same content, new time stamp. */
  readonly touched: readonly FileStamp[]
  /** Gone, or no longer indexed; of a folder that is gone its own path. */
  readonly removed: readonly string[]
  readonly filesTotal: number
  readonly filesDone: number
  readonly filesSkipped: number
}

export interface ScanRequest {
  readonly root: string
  readonly known: readonly FileStamp[]
  readonly options: WalkOptions
  /** Chunk every file again, also unchanged ones: the chunker is another. */
  readonly rechunk: boolean
}

const BATCH_FILES = 32
const BATCH_CHUNKS = 256
const BATCH_NAMES = 2000
/** The thread answers other requests at least this often. */
const SLICE_MS = 20

/** @throws TandemError PATH_NOT_FOUND, INVALID_REQUEST (too many files) */
export async function* scanTree(request: ScanRequest): AsyncGenerator<ScanBatch> {
  const collector = new Collector(request)
  const seen: SeenFile[] = []
  for (const entry of walk(request.root, request.options)) {
    if (collector.note(entry)) seen.push(entry as SeenFile)
    await collector.breathe()
  }
  const present = new Set(seen.map((file) => file.path))
  collector.total = seen.length
  yield collector.take()
  for (const { path } of request.known) {
    if (present.has(path)) continue
    collector.remove(path)
    if (collector.full) yield collector.take()
  }
  for (const file of seen) {
    collector.read(file)
    if (collector.full) yield collector.take()
    await collector.breathe()
  }
  yield collector.take()
}

export interface PathsRequest extends ScanRequest {
  /** Relative to the root, forward slashes. */
  readonly paths: readonly string[]
}

/** The same for some paths alone: files, folders, or names of what is gone. `known` holds their stamps. Same errors. */
export async function* scanPaths(request: PathsRequest): AsyncGenerator<ScanBatch> {
  const collector = new Collector(request)
  for (const path of request.paths) {
    for (const entry of walkPath(request.root, path, request.options)) {
      collector.total += 1
      if (collector.note(entry)) collector.read(entry as SeenFile)
      else if (entry.path === path) collector.remove(path)
      if (collector.full) yield collector.take()
      await collector.breathe()
    }
  }
  yield collector.take()
}

class Collector {
  total = 0
  #done = 0
  #skipped = 0
  #files: FileRecord[] = []
  #touched: FileStamp[] = []
  #removed: string[] = []
  #chunks = 0
  #sliceStartMs = performance.now()
  readonly #known: ReadonlyMap<string, FileStamp>
  readonly #request: ScanRequest

  constructor(request: ScanRequest) {
    this.#request = request
    this.#known = new Map(request.known.map((stamp) => [stamp.path, stamp]))
  }

  /** @returns whether the entry is a file to look at */
  note(entry: WalkEntry): boolean {
    if (entry.kind === 'skipped') this.#skipped += 1
    return entry.kind === 'file'
  }

  remove(path: string): void {
    this.#removed.push(path)
  }

  read(seen: SeenFile): void {
    this.#done += 1
    const known = this.#known.get(seen.path)
    const { root, rechunk } = this.#request
    if (known && !rechunk && known.sizeBytes === seen.sizeBytes && known.mtimeMs === seen.mtimeMs) return
    const read = readFileRecord(root, seen, rechunk ? undefined : known?.hash)
    if ('touched' in read) this.#touched.push(read.touched)
    else if ('file' in read) {
      this.#files.push(read.file)
      this.#chunks += read.file.chunks.length
    } else {
      this.#skipped += 1
      if (known) this.#removed.push(seen.path)
    }
  }

  get full(): boolean {
    return (
      this.#files.length >= BATCH_FILES ||
      this.#chunks >= BATCH_CHUNKS ||
      this.#touched.length + this.#removed.length >= BATCH_NAMES
    )
  }

  take(): ScanBatch {
    const batch = {
      files: this.#files,
      touched: this.#touched,
      removed: this.#removed,
      filesTotal: this.total,
      filesDone: this.#done,
      filesSkipped: this.#skipped,
    }
    this.#files = []
    this.#touched = []
    this.#removed = []
    this.#chunks = 0
    return batch
  }

  /** Lets the thread answer others when it has worked for a while. */
  async breathe(): Promise<void> {
    if (performance.now() - this.#sliceStartMs < SLICE_MS) return
    await setImmediate()
    this.#sliceStartMs = performance.now()
  }
}
