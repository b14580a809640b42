/** Vectors in memory for the scan: int8, each scaled by its own largest component before rounding. */
import { type DotRows, dotRows, type Memory, memoryOf, ROW_ALIGNMENT } from './dot-rows.ts'

export interface Scanned {
  /** Row ids of the nearest vectors, best first. */
  readonly nearest: Int32Array
  /** Approximate cosine of any vector that is in the matrix; valid until the next change or scan. */
  readonly cosineOf: (id: number) => number | undefined
}

/** Rows whose products are taken at once. */
const BLOCK = 1024

export class VectorMatrix {
  /** Bytes of a row. */
  readonly #width: number
  /** Address of the products, and of the first row; the query stands before both. */
  readonly #outAt: number
  readonly #rowsAt: number
  #memory!: Memory
  #dot!: DotRows
  #capacity = 0
  #scales = new Float32Array(0)
  #ids = new Int32Array(0)
  #scores = new Float32Array(0)
  #size = 0
  readonly #slots = new Map<number, number>()

  constructor(dimensions: number, capacity = 256) {
    this.#width = Math.ceil(dimensions / ROW_ALIGNMENT) * ROW_ALIGNMENT
    this.#outAt = Math.ceil((2 * this.#width) / 16) * 16
    this.#rowsAt = this.#outAt + 4 * BLOCK
    this.#resize(capacity)
  }

  get size(): number {
    return this.#size
  }

  /** Adds or replaces. @param vector unit length */
  put(id: number, vector: Float32Array): void {
    let slot = this.#slots.get(id)
    if (slot === undefined) {
      if (this.#size === this.#capacity) this.#resize(Math.ceil(this.#size * 1.5))
      slot = this.#size++
      this.#slots.set(id, slot)
      this.#ids[slot] = id
    }
    this.#scales[slot] = quantize(vector, this.#rows(slot, 1))
  }

  remove(id: number): void {
    const slot = this.#slots.get(id)
    if (slot === undefined) return
    const last = --this.#size
    this.#slots.delete(id)
    if (slot !== last) {
      this.#rows(slot, 1).set(this.#rows(last, 1))
      this.#scales[slot] = this.#scales[last]!
      const moved = this.#ids[last]!
      this.#ids[slot] = moved
      this.#slots.set(moved, slot)
    }
    if (this.#capacity > 1024 && this.#size < this.#capacity / 3) this.#resize(Math.ceil(this.#size * 1.5))
  }

  clear(): void {
    this.#slots.clear()
    this.#size = 0
  }

  /** The `count` vectors nearest to a query of unit length. */
  scan(query: Float32Array, count: number): Scanned {
    const rounded = new Int8Array(this.#width)
    const queryScale = quantize(query, rounded)
    new Int16Array(this.#memory.buffer, 0, this.#width).set(rounded)
    const out = new Int32Array(this.#memory.buffer, this.#outAt, BLOCK)
    const best = new TopK(Math.min(count, this.#size))
    for (let from = 0; from < this.#size; from += BLOCK) {
      const rows = Math.min(BLOCK, this.#size - from)
      this.#dot(this.#rowsAt + from * this.#width, rows, this.#width, 0, this.#outAt)
      for (let row = 0; row < rows; row += 1) {
        const score = out[row]! * this.#scales[from + row]! * queryScale
        this.#scores[from + row] = score
        best.offer(from + row, score)
      }
    }
    return {
      nearest: best.take().map((slot) => this.#ids[slot]!),
      cosineOf: (id) => {
        const slot = this.#slots.get(id)
        return slot === undefined ? undefined : this.#scores[slot]
      },
    }
  }

  #rows(slot: number, count: number): Int8Array {
    return new Int8Array(this.#memory.buffer, this.#rowsAt + slot * this.#width, count * this.#width)
  }

  /** Into a new memory: one of WebAssembly cannot shrink. */
  #resize(capacity: number): void {
    const kept = this.#size > 0 ? this.#rows(0, this.#size) : undefined
    this.#memory = memoryOf(this.#rowsAt + capacity * this.#width)
    this.#dot = dotRows(this.#memory)
    if (kept) this.#rows(0, this.#size).set(kept)
    const scales = new Float32Array(capacity)
    scales.set(this.#scales.subarray(0, this.#size))
    const ids = new Int32Array(capacity)
    ids.set(this.#ids.subarray(0, this.#size))
    this.#scales = scales
    this.#ids = ids
    this.#scores = new Float32Array(capacity)
    this.#capacity = capacity
  }
}

/** @returns what one step of the rounded values is worth */
function quantize(vector: Float32Array, into: Int8Array): number {
  into.fill(0)
  let largest = 0
  for (const value of vector) largest = Math.max(largest, Math.abs(value))
  if (largest === 0) return 0
  const steps = 127 / largest
  for (let k = 0; k < vector.length; k += 1) into[k] = Math.round(vector[k]! * steps)
  return largest / 127
}

/** Keeps the largest values seen: a binary heap with the smallest kept one on top. */
class TopK {
  readonly #keys: Int32Array
  readonly #values: Float32Array
  #size = 0

  constructor(capacity: number) {
    this.#keys = new Int32Array(capacity)
    this.#values = new Float32Array(capacity)
  }

  offer(key: number, value: number): void {
    if (this.#size < this.#keys.length) {
      this.#keys[this.#size] = key
      this.#values[this.#size] = value
      this.#size += 1
      if (this.#size === this.#keys.length)
        for (let at = (this.#size >> 1) - 1; at >= 0; at -= 1) this.#sink(at)
    } else if (this.#size > 0 && value > this.#values[0]!) {
      this.#keys[0] = key
      this.#values[0] = value
      this.#sink(0)
    }
  }

  /** Keys of the largest values, largest first. */
  take(): Int32Array {
    const order = [...this.#values.keys()].sort((a, b) => this.#values[b]! - this.#values[a]!)
    return Int32Array.from(order, (at) => this.#keys[at]!)
  }

  #sink(start: number): void {
    let at = start
    for (;;) {
      let child = 2 * at + 1
      if (child >= this.#size) return
      if (child + 1 < this.#size && this.#values[child + 1]! < this.#values[child]!) child += 1
      if (this.#values[child]! >= this.#values[at]!) return
      const key = this.#keys[at]!
      const value = this.#values[at]!
      this.#keys[at] = this.#keys[child]!
      this.#values[at] = this.#values[child]!
      this.#keys[child] = key
      this.#values[child] = value
      at = child
    }
  }
}
