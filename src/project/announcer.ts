import type { ProjectStatus } from '../domain/index.ts'
import type { ProjectEvent } from './contract.ts'

/** What changed in a project. */
export interface IndexerChange {
  /** Paths that were brought into the index, or out of it. */
  readonly updated?: readonly string[]
  /** Whether the state is another than before. */
  readonly state?: boolean
}

/** Progress of one project is told at most this often. */
const PROGRESS_MS = 250

/** Turns changes of projects into events; progress is thinned out. */
export class Announcer {
  readonly #listeners = new Set<(event: ProjectEvent) => void>()
  readonly #toldMs = new Map<string, number>()

  listen(listener: (event: ProjectEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  tell(status: ProjectStatus, change: IndexerChange): void {
    const project = status.name
    if (change.updated) this.#emit({ type: 'updated', project, paths: change.updated })
    if (change.state) this.#emit({ type: 'state', project, status })
    const now = performance.now()
    const due = now - (this.#toldMs.get(project) ?? -PROGRESS_MS) >= PROGRESS_MS
    if (!status.progress || !(change.state || due)) return
    this.#toldMs.set(project, now)
    this.#emit({ type: 'progress', project, progress: status.progress })
  }

  #emit(event: ProjectEvent): void {
    for (const listener of this.#listeners) listener(event)
  }
}
