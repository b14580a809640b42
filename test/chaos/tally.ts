/** Counts endings, and keeps failures in words: equal ones once, the first of them in full. */
const KEPT = 40

export type Ending = 'ok' | 'refused' | 'left' | 'WRONG'

export class Tally {
  readonly counts = new Map<string, Map<Ending, number>>()
  readonly #failures = new Map<string, number>()
  #failed = 0

  count(kind: string, ending: Ending): void {
    const row = this.counts.get(kind) ?? new Map<Ending, number>()
    row.set(ending, (row.get(ending) ?? 0) + 1)
    this.counts.set(kind, row)
  }

  /** Something that must never be. */
  fail(what: string): void {
    this.#failed += 1
    const seen = this.#failures.get(what)
    if (seen !== undefined || this.#failures.size < KEPT) this.#failures.set(what, (seen ?? 0) + 1)
  }

  get failures(): string[] {
    return [...this.#failures].map(([what, count]) => (count === 1 ? what : `${what} (${count} times)`))
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
