/** Follows one tree: bursts of events become lists of paths; when events cannot be had, the tree is scanned on a timer. */
import { stat } from 'node:fs/promises'
import { relative, sep } from 'node:path'
import watcher from '@parcel/watcher'
import { folderNameReason, UNWATCHED_GLOBS } from './name-rules.ts'

/** Paths relative to the root, or `all` when what changed is not known or is too much to list. */
export type Changes = readonly string[] | 'all'

export interface WatchOptions {
  readonly root: string
  /** Absolute folders whose events are dropped. */
  readonly excluded: readonly string[]
  readonly onChanges: (changes: Changes) => void
  /** The root is gone (true) or back (false; `onChanges('all')` follows). */
  readonly onMissing: (missing: boolean) => void
  readonly onWarning: (message: string) => void
  /** Milliseconds; tests shorten them. */
  readonly pollMs?: number
  readonly rescanMs?: number
  /** Tests put faults here. */
  readonly subscribe?: typeof watcher.subscribe
}

/** A burst is handed on when it pauses this long, or has lasted that long. */
const QUIET_MS = 100
const BURST_MS = 500
/** More paths than this are cheaper to find by a scan. */
const MAX_PATHS = 500

export class TreeWatcher {
  readonly #options: WatchOptions
  #subscription: watcher.AsyncSubscription | undefined
  /** Device and inode of the watched folder; undefined while it is missing. */
  #identity: string | undefined
  #changed = new Set<string>()
  #all = false
  #burstStartMs = 0
  #flushTimer: NodeJS.Timeout | undefined
  #pollTimer: NodeJS.Timeout | undefined
  #nextRescanMs = 0
  /** Why events cannot be had, as it was told: said once, not at every try. */
  #told: string | undefined
  #started = false
  #closed = false

  constructor(options: WatchOptions) {
    this.#options = options
  }

  /** Resolves when events arrive, or when it is known that they do not. */
  async start(): Promise<void> {
    await this.#check()
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#flushTimer)
    clearTimeout(this.#pollTimer)
    await this.#unsubscribe()
  }

  /** Looks whether the folder is there and the same as before, and whether a scan by timer is due. */
  async #check(): Promise<void> {
    const { root, pollMs = 2000, onMissing } = this.#options
    const identity = await identityOf(root)
    if (this.#closed) return
    const first = !this.#started
    this.#started = true
    if (first || identity !== this.#identity) {
      await this.#unsubscribe()
      const was = this.#identity
      this.#identity = identity
      if (identity === undefined) onMissing(true)
      else {
        await this.#subscribe()
        if (was === undefined && !first) onMissing(false)
        if (!first) this.#everything()
      }
    } else if (identity !== undefined && !this.#subscription && performance.now() >= this.#nextRescanMs) {
      await this.#subscribe()
      this.#everything()
    }
    if (this.#closed) return
    this.#pollTimer = setTimeout(() => void this.#check(), pollMs)
    this.#pollTimer.unref()
  }

  async #subscribe(): Promise<void> {
    const { root, excluded, onWarning, rescanMs = 15_000, subscribe = watcher.subscribe } = this.#options
    try {
      const subscription = await subscribe(root, (error, events) => this.#receive(error, events), {
        ignore: [...UNWATCHED_GLOBS, ...excluded],
      })
      this.#subscription = subscription
      this.#told = undefined
      if (this.#closed) await this.#unsubscribe()
    } catch (error) {
      this.#nextRescanMs = performance.now() + rescanMs
      const why = messageOf(error)
      if (why === this.#told) return
      this.#told = why
      onWarning(`${root} cannot be watched (${why}); it is scanned every ${rescanMs / 1000} s instead`)
    }
  }

  async #unsubscribe(): Promise<void> {
    const subscription = this.#subscription
    this.#subscription = undefined
    try {
      await subscription?.unsubscribe()
    } catch (error) {
      this.#options.onWarning(`stopping to watch ${this.#options.root}: ${messageOf(error)}`)
    }
  }

  #receive(error: Error | null, events: readonly { path: string }[]): void {
    if (this.#closed) return
    if (error) {
      const { root, onWarning, rescanMs = 15_000 } = this.#options
      onWarning(`watching ${root}: ${error.message}; it is scanned again`)
      this.#nextRescanMs = performance.now() + rescanMs
      void this.#unsubscribe()
      this.#everything()
      return
    }
    for (const event of events) this.#note(event.path)
  }

  #note(absolute: string): void {
    const { root, excluded } = this.#options
    if (excluded.some((folder) => absolute === folder || absolute.startsWith(folder + sep))) return
    const below = relative(root, absolute)
    if (below === '' || below.startsWith('..')) return
    const path = sep === '/' ? below : below.replaceAll(sep, '/')
    const names = path.split('/')
    if (names.some((name) => folderNameReason(name) !== undefined)) return
    const name = names.at(-1)
    if (name === '.gitignore' || name === '.tandemignore' || this.#changed.size >= MAX_PATHS) this.#all = true
    else this.#changed.add(path)
    this.#schedule()
  }

  #everything(): void {
    this.#all = true
    this.#schedule()
  }

  #schedule(): void {
    const now = performance.now()
    if (!this.#flushTimer) this.#burstStartMs = now
    clearTimeout(this.#flushTimer)
    const waitMs = Math.max(0, Math.min(QUIET_MS, this.#burstStartMs + BURST_MS - now))
    this.#flushTimer = setTimeout(() => this.#flush(), waitMs)
  }

  #flush(): void {
    this.#flushTimer = undefined
    const changes: Changes = this.#all ? 'all' : [...this.#changed]
    this.#all = false
    this.#changed = new Set()
    if (!this.#closed && changes.length > 0) this.#options.onChanges(changes)
  }
}

async function identityOf(root: string): Promise<string | undefined> {
  try {
    const found = await stat(root)
    return found.isDirectory() ? `${found.dev}:${found.ino}` : undefined
  } catch {
    return undefined // gone or unreachable: missing, and looked for again
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
