/** Counts endings, and keeps the first failures in words. */
const KEPT = 100

export type Ending = 'ok' | 'refused' | 'error event' | 'left' | 'WRONG'

export class Tally {
  readonly counts = new Map<string, Map<Ending, number>>()
  readonly failures: string[] = []
  #failed = 0

  count(kind: string, ending: Ending): void {
    const row = this.counts.get(kind) ?? new Map<Ending, number>()
    row.set(ending, (row.get(ending) ?? 0) + 1)
    this.counts.set(kind, row)
  }

  /** Something that must never be. */
  fail(what: string): void {
    this.#failed += 1
    if (this.failures.length < KEPT) this.failures.push(what)
  }

  get failed(): number {
    return this.#failed
  }

  total(kinds: readonly string[], ending?: Ending): number {
    let sum = 0
    for (const kind of kinds)
      for (const [each, count] of this.counts.get(kind) ?? [])
        if (ending === undefined || each === ending) sum += count
    return sum
  }
}
