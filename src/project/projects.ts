/** Everything that the rooms above ask of indexed folders. */

import { realpathSync } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import { join, resolve, sep } from 'node:path'
import type { Config } from '../config/index.ts'
import {
  type Model,
  type Priority,
  type ProjectStatus,
  type SearchQuery,
  TandemError,
} from '../domain/index.ts'
import type { Serving } from '../scheduling/contract.ts'
import type { Logger } from '../telemetry/index.ts'
import type {
  AddProject,
  PassageQuery,
  Passages,
  PathExplanation,
  ProjectEvent,
  Projects,
  SearchAnswer,
} from './contract.ts'
import { CHUNKER_VERSION, ParseThread, type WalkOptions } from './indexing/index.ts'
import { ProjectIndexer } from './project-indexer.ts'
import { Registry, type RegistryEntry } from './registry.ts'
import type { IndexStore, OpenStore } from './store/contract.ts'

/** What a search works on. */
export interface SearchSource {
  readonly project: string
  readonly store: IndexStore
  readonly serving: Pick<Serving, 'embed'>
  readonly model: Model
}

/** The retrieval functions, injected. */
export interface Retrieval {
  search(
    source: SearchSource,
    query: SearchQuery,
    options: { signal?: AbortSignal; priority?: Priority },
  ): Promise<SearchAnswer>
  passages(source: SearchSource, query: PassageQuery): Promise<Passages>
}

export interface ProjectsOptions {
  /** Folder of everything that Tandem keeps. */
  readonly home: string
  readonly openStore: OpenStore
  readonly serving: Pick<Serving, 'embed'>
  readonly embedModel: Model
  readonly config: Pick<Config, 'index'>
  readonly retrieval: Retrieval
  readonly log: Logger
}

/** Progress is told at most this often. */
const PROGRESS_MS = 250

export function createProjects(options: ProjectsOptions): Projects {
  return new ProjectService(options)
}

class ProjectService implements Projects {
  readonly #options: ProjectsOptions
  readonly #registry: Registry
  readonly #parse = new ParseThread()
  readonly #indexers = new Map<string, ProjectIndexer>()
  readonly #listeners = new Set<(event: ProjectEvent) => void>()
  readonly #toldMs = new Map<string, number>()
  readonly #walk: WalkOptions
  /** Adding and removing happen one after the other. */
  #mailbox: Promise<unknown> = Promise.resolve()
  #closed = false

  constructor(options: ProjectsOptions) {
    this.#options = options
    this.#registry = new Registry(options.home, (message) => options.log.warn(message))
    this.#walk = {
      maxFileBytes: options.config.index.maxFileBytes,
      excluded: [realpathSync(options.home)],
    }
  }

  async open(): Promise<void> {
    await Promise.all(this.#registry.entries.map((entry) => this.#start(entry)))
  }

  add({ path, name }: AddProject): Promise<{ status: ProjectStatus; created: boolean }> {
    return this.#alone(async () => {
      const real = await realFolder(path)
      const known = this.#registry.byPath(real)
      if (known) {
        if (name !== undefined && name !== known.name)
          throw new TandemError('CONFLICT', { what: `${real} is indexed already, as ${known.name}` })
        const running = this.#indexers.get(known.name)
        if (running) running.rescan()
        else await this.#start(known)
        return { status: this.get(known.name), created: false }
      }
      const entry = this.#registry.add(real, name)
      await this.#start(entry)
      return { status: this.get(entry.name), created: true }
    })
  }

  list(): readonly ProjectStatus[] {
    return this.#registry.entries.map((entry) => this.#status(entry))
  }

  get(name: string): ProjectStatus {
    return this.#status(this.#entry(name))
  }

  holding(path: string): ProjectStatus | undefined {
    const real = realOf(path)
    const holders = this.#registry.entries.filter(
      (entry) =>
        real === entry.path || real.startsWith(entry.path.endsWith(sep) ? entry.path : entry.path + sep),
    )
    const deepest = holders.sort((a, b) => b.path.length - a.path.length)[0]
    return deepest && this.#status(deepest)
  }

  remove(name: string): Promise<void> {
    return this.#alone(async () => {
      const entry = this.#entry(name)
      const indexer = this.#indexers.get(name)
      this.#indexers.delete(name)
      this.#registry.remove(name)
      await indexer?.close()
      await rm(this.#folder(entry), { recursive: true, force: true, maxRetries: 3 })
    })
  }

  async search(
    query: SearchQuery,
    options: { signal?: AbortSignal; priority?: Priority } = {},
  ): Promise<SearchAnswer> {
    return this.#options.retrieval.search(await this.#source(query.project), query, options)
  }

  async passages(query: PassageQuery): Promise<Passages> {
    return this.#options.retrieval.passages(await this.#source(query.project), query)
  }

  async explain(name: string, path: string): Promise<PathExplanation> {
    const entry = this.#entry(name)
    const verdict = await this.#parse.explain({ root: entry.path, path, options: this.#walk })
    if (!verdict.indexed) return verdict
    const store = await this.#indexer(entry).store()
    const chunks = await store.chunksOf(verdict.path)
    return { ...verdict, chunks, reason: `${verdict.reason}, ${chunks} chunk${chunks === 1 ? '' : 's'}` }
  }

  onEvent(listener: (event: ProjectEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#mailbox.catch(() => {})
    await Promise.all([...this.#indexers.values()].map((indexer) => indexer.close()))
    await this.#parse.close()
  }

  async #start(entry: RegistryEntry): Promise<void> {
    const { openStore, serving, embedModel, config, log } = this.#options
    const indexer = new ProjectIndexer({
      name: entry.name,
      root: entry.path,
      folder: this.#folder(entry),
      openStore,
      parse: this.#parse,
      serving,
      model: embedModel,
      walk: this.#walk,
      watch: config.index.watch,
      chunker: entry.chunker,
      log,
      onScanned: () => this.#registry.setChunker(entry.name, CHUNKER_VERSION),
      onChange: (change) => this.#tell(entry, change),
    })
    this.#indexers.set(entry.name, indexer)
    await indexer.start()
  }

  async #source(project: string | undefined): Promise<SearchSource> {
    const entry = project === undefined ? this.#only() : this.#entry(project)
    const { serving, embedModel } = this.#options
    return { project: entry.name, store: await this.#indexer(entry).store(), serving, model: embedModel }
  }

  #only(): RegistryEntry {
    const [only, second] = this.#registry.entries
    if (!only) throw new TandemError('NO_PROJECT')
    if (second) throw new TandemError('PROJECT_AMBIGUOUS', { known: this.#names() })
    return only
  }

  #entry(name: string): RegistryEntry {
    const entry = this.#registry.byName(name)
    if (!entry) throw new TandemError('PROJECT_NOT_FOUND', { project: name, known: this.#names() })
    return entry
  }

  #indexer(entry: RegistryEntry): ProjectIndexer {
    const indexer = this.#indexers.get(entry.name)
    if (!indexer) throw new TandemError('STARTING', { what: `the project ${entry.name}` }, { retryAfterS: 1 })
    return indexer
  }

  #names(): string {
    return this.#registry.entries.map((entry) => entry.name).join(', ')
  }

  #folder(entry: RegistryEntry): string {
    return join(this.#options.home, 'indexes', entry.folder)
  }

  /** A project that was not opened in this process is shown as it is kept: not yet looked at. */
  #status(entry: RegistryEntry): ProjectStatus {
    const idle = { files: 0, chunks: 0, embedded: 0, state: 'indexing' as const }
    return this.#indexers.get(entry.name)?.status() ?? { name: entry.name, path: entry.path, ...idle }
  }

  #tell(
    entry: RegistryEntry,
    change: { readonly updated?: readonly string[]; readonly state?: boolean },
  ): void {
    const project = entry.name
    const indexer = this.#indexers.get(project)
    if (!indexer || this.#closed) return
    if (change.updated) this.#emit({ type: 'updated', project, paths: change.updated })
    const status = indexer.status()
    const now = performance.now()
    if (change.state) this.#emit({ type: 'state', project, status })
    if (
      status.progress &&
      (change.state || now - (this.#toldMs.get(project) ?? -PROGRESS_MS) >= PROGRESS_MS)
    ) {
      this.#toldMs.set(project, now)
      this.#emit({ type: 'progress', project, progress: status.progress })
    }
  }

  #emit(event: ProjectEvent): void {
    for (const listener of this.#listeners) listener(event)
  }

  #alone<T>(run: () => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new TandemError('SHUTTING_DOWN'))
    const done = this.#mailbox.then(run, run)
    this.#mailbox = done.catch(() => {})
    return done
  }
}

async function realFolder(path: string): Promise<string> {
  const absolute = resolve(path)
  try {
    const found = await stat(absolute)
    if (found.isDirectory()) return realOf(absolute)
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    throw new TandemError(
      'PATH_NOT_FOUND',
      { path: absolute, why: missing ? 'there is no such folder' : 'it cannot be read' },
      { param: 'path', cause: error },
    )
  }
  throw new TandemError('PATH_NOT_FOUND', { path: absolute, why: 'it is a file' }, { param: 'path' })
}

/** Without links; as it is where it does not exist. */
function realOf(path: string): string {
  const absolute = resolve(path)
  try {
    return realpathSync(absolute)
  } catch {
    return absolute
  }
}
