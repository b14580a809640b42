/** Everything that the rooms above ask of indexed folders. */

import { realpathSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../config/index.ts'
import { type Model, type ProjectStatus, type SearchQuery, TandemError } from '../domain/index.ts'
import type { Serving } from '../scheduling/contract.ts'
import type { Logger } from '../telemetry/index.ts'
import { Announcer, type IndexerChange } from './announcer.ts'
import type {
  AddProject,
  Asker,
  PassageQuery,
  Passages,
  PathExplanation,
  ProjectEvent,
  Projects,
  SearchAnswer,
} from './contract.ts'
import { CHUNKER_VERSION, ParseThread, type WalkOptions } from './indexing/index.ts'
import { ProjectIndexer } from './project-indexer.ts'
import { isWithin, realFolder, realOf } from './project-paths.ts'
import { Registry, type RegistryEntry } from './registry.ts'
import { findPassages, searchProject } from './retrieval/index.ts'
import type { IndexStore, OpenStore } from './store/contract.ts'
import { openEmbeddedStore } from './store/index.ts'

/** What a search works on. */
interface SearchSource {
  readonly project: string
  readonly store: IndexStore
  readonly model: string
}

/** The functions of `retrieval/`; tests may put others here. */
export interface Retrieval {
  readonly searchProject: typeof searchProject
  readonly findPassages: typeof findPassages
}

export interface ProjectsOptions {
  /** Folder of everything that Tandem keeps. */
  readonly home: string
  readonly serving: Pick<Serving, 'embed'>
  /** As it is known by now; undefined: nothing can be indexed or searched, and it is said. */
  readonly embedModel: () => Model | undefined
  readonly config: Pick<Config, 'index'>
  readonly log: Logger
  /** Default: the embedded store. */
  readonly openStore?: OpenStore
  readonly retrieval?: Retrieval
  /** Milliseconds before failed indexing is tried again; tests shorten it. */
  readonly retryMs?: number
}

/**
 * Opens the registry of projects in `home`; nothing is read or indexed before `open`.
 * A broken registry is set aside with a warning. Errors as in the contract.
 */
export function createProjects(options: ProjectsOptions): Projects {
  return new ProjectService(options)
}

class ProjectService implements Projects {
  readonly #options: ProjectsOptions
  readonly #registry: Registry
  readonly #parse = new ParseThread()
  readonly #indexers = new Map<string, ProjectIndexer>()
  readonly #announcer = new Announcer()
  readonly #walk: WalkOptions
  /** Adding and removing happen one after the other. */
  #mailbox: Promise<unknown> = Promise.resolve()
  #follow = true
  #closed = false

  constructor(options: ProjectsOptions) {
    this.#options = options
    this.#registry = new Registry(options.home, (message) => options.log.warn(message))
    this.#walk = {
      maxFileBytes: options.config.index.maxFileBytes,
      excluded: [realpathSync(options.home)],
    }
  }

  async open({ follow = true }: { readonly follow?: boolean } = {}): Promise<void> {
    this.#follow = follow
    if (follow && this.#options.embedModel()?.embedding)
      await Promise.all(this.#registry.entries.map((entry) => this.#running(entry)))
  }

  add({ path, name }: AddProject): Promise<{ status: ProjectStatus; created: boolean }> {
    return this.#alone(async () => {
      const real = await realFolder(path)
      this.#model()
      const known = this.#registry.byPath(real)
      if (known) {
        if (name !== undefined && name !== known.name)
          throw new TandemError('CONFLICT', {
            what: `${real} is indexed already, as ${known.name}; remove that first (\`tandem index PATH --remove\`)`,
          })
        const before = this.#indexers.get(known.name)
        if ((await this.#running(known)) === before) before.rescan()
        return { status: this.get(known.name), created: false }
      }
      const entry = this.#registry.add(real, name)
      await this.#running(entry)
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
    const holders = this.#registry.entries.filter((entry) => isWithin(entry.path, real))
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

  async search(query: SearchQuery, options: Asker = {}): Promise<SearchAnswer> {
    const { project, store, model } = await this.#source(query.project)
    const { limit, explain } = query
    const { hits, servedBy } = await this.#retrieval.searchProject(
      store,
      this.#options.serving,
      model,
      query.query,
      { ...options, ...(limit !== undefined && { limit }), ...(explain !== undefined && { explain }) },
    )
    return { project, hits, servedBy }
  }

  async passages(query: PassageQuery): Promise<Passages> {
    const { project, store, model } = await this.#source(query.project)
    return this.#retrieval.findPassages(store, this.#options.serving, model, project, query)
  }

  async explain(name: string, path: string): Promise<PathExplanation> {
    const entry = this.#entry(name)
    const verdict = await this.#parse.explain({ root: entry.path, path, options: this.#walk })
    if (!verdict.indexed) return verdict
    const store = await (await this.#running(entry)).store()
    const chunks = await store.chunksOf(verdict.path)
    return { ...verdict, chunks, reason: `${verdict.reason}, ${chunks} chunk${chunks === 1 ? '' : 's'}` }
  }

  onEvent(listener: (event: ProjectEvent) => void): () => void {
    return this.#announcer.listen(listener)
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#mailbox
    for (const entry of this.#registry.entries) {
      const { files, chunks } = this.#status(entry)
      this.#registry.update(entry.name, { files, chunks })
    }
    await Promise.all([...this.#indexers.values()].map((indexer) => indexer.close()))
    await this.#parse.close()
  }

  /** The project's indexer, started on first use, and again when its index could not be opened. */
  async #running(entry: RegistryEntry): Promise<ProjectIndexer> {
    const running = this.#indexers.get(entry.name)
    if (running && !running.unopened) return running
    running?.close().catch(() => {}) // why it failed was told
    if (this.#closed) throw new TandemError('SHUTTING_DOWN')
    const { openStore = openEmbeddedStore, serving, config, log, retryMs } = this.#options
    const indexer = new ProjectIndexer({
      name: entry.name,
      root: entry.path,
      folder: this.#folder(entry),
      openStore,
      parse: this.#parse,
      serving,
      model: this.#model(),
      walk: this.#walk,
      watch: config.index.watch && this.#follow,
      chunker: entry.chunker,
      log,
      onScanned: ({ files, chunks }) =>
        this.#registry.update(entry.name, { chunker: CHUNKER_VERSION, files, chunks }),
      onChange: (change) => this.#tell(entry, change),
      ...(retryMs !== undefined && { retryMs }),
    })
    this.#indexers.set(entry.name, indexer)
    await indexer.start()
    return indexer
  }

  #model(): Model {
    const model = this.#options.embedModel()
    if (!model) throw new TandemError('TASK_UNSERVED', { task: 'embed' })
    if (!model.embedding)
      throw new TandemError('STARTING', {
        what: `the server of ${model.id}, which has to tell how long its vectors are,`,
      })
    return model
  }

  async #source(name: string | undefined): Promise<SearchSource> {
    const entry = name === undefined ? this.#only() : this.#entry(name)
    const store = await (await this.#running(entry)).store()
    return { project: entry.name, store, model: this.#model().id }
  }

  get #retrieval(): Retrieval {
    return this.#options.retrieval ?? { searchProject, findPassages }
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

  #names(): string {
    return this.#registry.entries.map((entry) => entry.name).join(', ')
  }

  #folder(entry: RegistryEntry): string {
    return join(this.#options.home, 'indexes', entry.folder)
  }

  /** A project that this process did not open is shown as it was left. */
  #status(entry: RegistryEntry): ProjectStatus {
    const { name, path, files, chunks } = entry
    const state = entry.chunker === 0 ? ('indexing' as const) : ('ready' as const)
    return this.#indexers.get(name)?.status() ?? { name, path, files, chunks, embedded: 0, state }
  }

  #tell(entry: RegistryEntry, change: IndexerChange): void {
    const indexer = this.#indexers.get(entry.name)
    if (indexer && !this.#closed) this.#announcer.tell(indexer.status(), change)
  }

  #alone<T>(run: () => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new TandemError('SHUTTING_DOWN'))
    const done = this.#mailbox.then(run, run)
    this.#mailbox = done.catch(() => {})
    return done
  }
}
