/** Vectors in memory for the scan: int8, each scaled by its own largest component before rounding. */

export interface Scanned {
  /** Row ids of the vectors, best first. */
  readonly ids: Int32Array
  /** Approximate cosines. */
  readonly scores: Float32Array
}

export class VectorMatrix {
  readonly #dimensions: number
  #rows: Int8Array
  #scales: Float32Array
  #ids: Int32Array
  #size = 0
  readonly #slots = new Map<number, number>()

  constructor(dimensions: number, capacity = 256) {
    this.#dimensions = dimensions
    this.#rows = new Int8Array(capacity * dimensions)
    this.#scales = new Float32Array(capacity)
    this.#ids = new Int32Array(capacity)
  }

  get size(): number {
    return this.#size
  }

  /** Adds or replaces. @param vector unit length */
  put(id: number, vector: Float32Array): void {
    let slot = this.#slots.get(id)
    if (slot === undefined) {
      if (this.#size === this.#ids.length) this.#resize(Math.ceil(this.#size * 1.5))
      slot = this.#size++
      this.#slots.set(id, slot)
      this.#ids[slot] = id
    }
    this.#scales[slot] = quantize(vector, this.#rows, slot * this.#dimensions)
  }

  remove(id: number): void {
    const slot = this.#slots.get(id)
    if (slot === undefined) return
    const last = --this.#size
    this.#slots.delete(id)
    if (slot !== last) {
      const width = this.#dimensions
      this.#rows.copyWithin(slot * width, last * width, (last + 1) * width)
      this.#scales[slot] = this.#scales[last]!
      const moved = this.#ids[last]!
      this.#ids[slot] = moved
      this.#slots.set(moved, slot)
    }
    if (this.#ids.length > 1024 && this.#size < this.#ids.length / 3)
      this.#resize(Math.ceil(this.#size * 1.5))
  }

  clear(): void {
    this.#slots.clear()
    this.#size = 0
  }

  /** The `count` vectors nearest to a query of unit length. */
  scan(query: Float32Array, count: number): Scanned {
    const width = this.#dimensions
    const rounded = new Int8Array(width)
    const queryScale = quantize(query, rounded, 0)
    const best = new TopK(Math.min(count, this.#size))
    const rows = this.#rows
    for (let slot = 0, at = 0; slot < this.#size; slot += 1) {
      let sum = 0
      for (let k = 0; k < width; k += 1, at += 1) sum += rows[at]! * rounded[k]!
      best.offer(slot, sum * this.#scales[slot]!)
    }
    const { keys, values } = best.take()
    return {
      ids: keys.map((slot) => this.#ids[slot]!),
      scores: values.map((value) => value * queryScale),
    }
  }

  #resize(capacity: number): void {
    const rows = new Int8Array(capacity * this.#dimensions)
    rows.set(this.#rows.subarray(0, this.#size * this.#dimensions))
    const scales = new Float32Array(capacity)
    scales.set(this.#scales.subarray(0, this.#size))
    const ids = new Int32Array(capacity)
    ids.set(this.#ids.subarray(0, this.#size))
    this.#rows = rows
    this.#scales = scales
    this.#ids = ids
  }
}

/** @returns what one step of the rounded values is worth */
function quantize(vector: Float32Array, into: Int8Array, at: number): number {
  let largest = 0
  for (const value of vector) largest = Math.max(largest, Math.abs(value))
  if (largest === 0) {
    into.fill(0, at, at + vector.length)
    return 0
  }
  const steps = 127 / largest
  for (let k = 0; k < vector.length; k += 1) into[at + k] = Math.round(vector[k]! * steps)
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

  /** Largest first. */
  take(): { keys: Int32Array; values: Float32Array } {
    const order = [...this.#values.keys()].sort((a, b) => this.#values[b]! - this.#values[a]!)
    return {
      keys: Int32Array.from(order, (at) => this.#keys[at]!),
      values: Float32Array.from(order, (at) => this.#values[at]!),
    }
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
