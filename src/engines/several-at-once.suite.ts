import { expect, test } from 'vitest'
import type { Worker } from '../workers/index.ts'

const TEXTS = Array.from(
  { length: 64 },
  (_, i) => `export const value${i} = ${'compute(value) + '.repeat(20)}${i}`,
)

/**
 * What a worker promises whose engine has several inferences in flight.
 * @param start makes one of an embedding model; the caller stops it
 * @param agree cosine that vectors of a text in different batches exceed
 */
export function severalAtOnceSuite(start: () => Worker, agree: number): void {
  test('works on several calls at once: a person waits for none of bulk, and vectors stay the same', async () => {
    const worker = start()
    const { dimensions } = await worker.ready()
    const order: string[] = []
    const ask = async (name: string, inputs: string[], priority: 'bulk' | 'interactive') => {
      const request = { model: worker.placement.model, inputs, purpose: 'passage' } as const
      const { vectors } = await worker.embed(request, { priority })
      order.push(name)
      return vectors
    }
    const [first, second, person] = await Promise.all([
      ask('first', TEXTS, 'bulk'),
      ask('second', [...TEXTS].reverse(), 'bulk'),
      ask('person', [TEXTS[0]!], 'interactive'),
    ])
    expect(order[0]).toBe('person')
    for (const [vectors, at] of [
      [first, 0],
      [second, TEXTS.length - 1],
    ] as const) {
      const row = vectors.subarray(at * dimensions!, (at + 1) * dimensions!)
      expect(row.reduce((sum, value, i) => sum + value * person[i]!, 0)).toBeGreaterThan(agree)
    }
  })
}
