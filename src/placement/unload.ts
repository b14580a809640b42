import { gib, listed } from './say.ts'

/** A model that is loaded, as far as it matters for unloading it. */
export interface LoadedModel {
  /** Of its placement. */
  readonly id: string
  /** On the device that needs room. */
  readonly bytes: number
  /** Milliseconds of any clock; larger is later. */
  readonly lastUsedMs: number
  /** Requests that it answers now. */
  readonly running: number
  /** The configuration asks for it there. */
  readonly pinned?: boolean
  /** It encodes for an index that is open. */
  readonly liveIndex?: boolean
}

export type Unload =
  | { readonly possible: true; readonly unload: readonly LoadedModel[] }
  | { readonly possible: false; readonly reason: string }

/**
 * What must go so that `needBytes` are free on a device: least recently used first, and no more than needed. Never one that answers,
 * that is pinned, or that encodes for a live index.
 * @param freeBytes free there already
 */
export function chooseUnload(loaded: readonly LoadedModel[], needBytes: number, freeBytes: number): Unload {
  const held = loaded.filter((each) => holdOf(each) !== undefined)
  const movable = loaded
    .filter((each) => holdOf(each) === undefined && each.bytes > 0)
    .sort((a, b) => a.lastUsedMs - b.lastUsedMs || (a.id < b.id ? -1 : 1))
  const chosen: LoadedModel[] = []
  let free = freeBytes
  for (const each of movable) {
    if (free >= needBytes) break
    chosen.push(each)
    free += each.bytes
  }
  if (free < needBytes) return { possible: false, reason: notEnough(needBytes, free, held) }
  // a small old one may turn out needless once a larger one had to go as well
  const unload = chosen.filter((each) => {
    if (free - each.bytes < needBytes) return true
    free -= each.bytes
    return false
  })
  return { possible: true, unload }
}

function holdOf({ running, pinned, liveIndex }: LoadedModel): string | undefined {
  if (running > 0) return 'answers now'
  if (pinned) return 'is pinned'
  return liveIndex ? 'encodes for a live index' : undefined
}

function notEnough(need: number, free: number, held: readonly LoadedModel[]): string {
  const kept = held.map((each) => `${each.id} ${holdOf(each)}`)
  const why = kept.length > 0 ? `; ${listed(kept)}` : ''
  return `${gib(need)} are needed, ${gib(free)} can be made free${why}`
}
