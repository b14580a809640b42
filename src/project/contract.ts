/** What the rooms above ask of the indexed projects. */
import type {
  Citation,
  IndexProgress,
  Priority,
  ProjectStatus,
  SearchHit,
  SearchQuery,
  ServedBy,
} from '../domain/index.ts'

export interface AddProject {
  readonly path: string
  /** Default: the folder's name, made unique. */
  readonly name?: string
}

/** Why a path is or is not in the index. */
export interface PathExplanation {
  readonly path: string
  readonly indexed: boolean
  /** One sentence: `ignored by .gitignore line 3 (dist/)`, `looks like a private key`, `indexed as typescript, 4 chunks`. */
  readonly reason: string
  readonly chunks?: number
}

export interface PassageQuery extends Asker {
  readonly query: string
  /** The query embedded already: unit length, of the index's dimensions. Absent: it is embedded here. */
  readonly vector?: Float32Array
  readonly project?: string
  /** Counts tokens as the chat model does. */
  readonly countTokens: (texts: readonly string[]) => Promise<number[]>
  readonly maxTokens: number
  readonly maxPassages: number
  /** Hits that score less than this share of the best one's are left out, 0..1; default 0. */
  readonly minScoreShare?: number
}

/** A passage as it stands before a chat. */
export interface Passage extends Citation {
  readonly language: string
  readonly symbol?: string
  readonly text: string
}

export interface Passages {
  readonly project: string
  /** Best first, within the budgets; empty when no hit is good enough. */
  readonly passages: readonly Passage[]
  /** The system message of the design's section 6, or '' when there are no passages. */
  readonly systemMessage: string
  /** Present when no hit is good enough: what to tell the person. */
  readonly refusal?: string
}

export interface SearchAnswer {
  readonly project: string
  readonly hits: readonly SearchHit[]
  /** Which placement embedded the query. */
  readonly servedBy: ServedBy
}

export type ProjectEvent =
  | { readonly type: 'progress'; readonly project: string; readonly progress: IndexProgress }
  | { readonly type: 'state'; readonly project: string; readonly status: ProjectStatus }
  | { readonly type: 'updated'; readonly project: string; readonly paths: readonly string[] }

/** Who asks, and how urgently. */
export interface Asker {
  readonly signal?: AbortSignal
  /** Default: interactive. */
  readonly priority?: Priority
  readonly client?: string
}

export interface Projects {
  /**
   * Opens every known project and catches up with its tree; returns before the indexing ends.
   * @param options.follow false: projects are opened when they are first asked for, and trees are not watched
   */
  open(options?: { readonly follow?: boolean }): Promise<void>
  /** @throws TandemError PATH_NOT_FOUND, CONFLICT (name taken by another path) */
  add(project: AddProject): Promise<{ readonly status: ProjectStatus; readonly created: boolean }>
  list(): readonly ProjectStatus[]
  /** @throws TandemError PROJECT_NOT_FOUND */
  get(name: string): ProjectStatus
  /** The project whose folder holds `path`, the deepest first. */
  holding(path: string): ProjectStatus | undefined
  /** Removes the project and its index; the user's files are untouched. */
  remove(name: string): Promise<void>
  /** @throws TandemError PROJECT_NOT_FOUND, NO_PROJECT, PROJECT_AMBIGUOUS */
  search(query: SearchQuery, options?: Asker): Promise<SearchAnswer>
  passages(query: PassageQuery): Promise<Passages>
  explain(name: string, path: string): Promise<PathExplanation>
  onEvent(listener: (event: ProjectEvent) => void): () => void
  close(): Promise<void>
}
