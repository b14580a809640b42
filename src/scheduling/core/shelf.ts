const BITS = 6

/**
 * A map from ascending numbers, in their order, of which a change copies a small part only: what waits may be
 * thousands, and each step leaves the state before it as it was.
 */
export class Shelf<V> {
  static readonly EMPTY = new Shelf<never>(new Map(), 0)

  readonly size: number
  readonly #boards: ReadonlyMap<number, ReadonlyMap<number, V>>
  #values: readonly V[] | undefined

  private constructor(boards: ReadonlyMap<number, ReadonlyMap<number, V>>, size: number) {
    this.#boards = boards
    this.size = size
  }

  static empty<V>(): Shelf<V> {
    return Shelf.EMPTY
  }

  get(key: number): V | undefined {
    return this.#boards.get(key >>> BITS)?.get(key)
  }

  has(key: number): boolean {
    return this.#boards.get(key >>> BITS)?.has(key) ?? false
  }

  /** In the order of the keys; made once for each state that is looked through. */
  values(): readonly V[] {
    this.#values ??= [...this.#boards.values()].flatMap((board) => [...board.values()])
    return this.#values
  }

  with(key: number, value: V): Shelf<V> {
    const board = new Map(this.#boards.get(key >>> BITS))
    const grown = board.has(key) ? 0 : 1
    board.set(key, value)
    return new Shelf(new Map(this.#boards).set(key >>> BITS, board), this.size + grown)
  }

  without(key: number): Shelf<V> {
    if (!this.has(key)) return this
    const board = new Map(this.#boards.get(key >>> BITS))
    board.delete(key)
    const boards = new Map(this.#boards)
    if (board.size === 0) boards.delete(key >>> BITS)
    else boards.set(key >>> BITS, board)
    return new Shelf(boards, this.size - 1)
  }
}
