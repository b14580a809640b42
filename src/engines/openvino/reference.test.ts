import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import reference from '../../../test/data/reference-vectors.json' with { type: 'json' }
import { describeOpenVino } from '../../../test/support/openvino.ts'
import type { LoadedEncoder } from '../contract.ts'
import { loadEncoder, never, specOf } from './load.suite.ts'

const BUCKETS = [128, 256, 512]
const DEVICES = ['CPU', 'HETERO:CPU', 'AUTO:CPU', 'BATCH:CPU']
const PRECISIONS = ['f32', 'bf16']

function cosine(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, d) => sum + value * b[d]!, 0)
}

/** Vector of each entry of `width` tokens at most; undefined for longer ones. */
async function vectors(encoder: LoadedEncoder, width: number): Promise<(Float32Array | undefined)[]> {
  const chosen = reference.entries.map((entry) => entry.tokens <= width)
  const texts = reference.entries.filter((_, i) => chosen[i]).map((entry) => entry.text)
  const output = await encoder.embed(texts, 'passage', never)
  let next = 0
  return chosen.map((wanted) => {
    if (!wanted) return undefined
    const from = next * output.dimensions
    next += 1
    return output.vectors.slice(from, from + output.dimensions)
  })
}

const expected = reference.entries.map(
  (entry) => new Float32Array(new Uint8Array(Buffer.from(entry.vector, 'base64')).buffer),
)

describeOpenVino('OpenVINO and the reference vectors', () => {
  describe.each(PRECISIONS)('%s', (precision) => {
    const properties = { INFERENCE_PRECISION_HINT: precision }
    /** Each text alone, without any padding. */
    let unpadded: Float32Array[]

    beforeAll(async () => {
      const encoder = await loadEncoder(specOf('CPU', { shapes: 'dynamic', properties }))
      unpadded = []
      for (const { text } of reference.entries)
        unpadded.push((await encoder.embed([text], 'passage', never)).vectors)
      await encoder.dispose()
    })

    test('[vector-safe] unpadded texts reproduce them', () => {
      unpadded.forEach((vector, i) => {
        expect(cosine(vector, expected[i]!)).toBeGreaterThanOrEqual(0.99)
      })
    })

    describe.each(DEVICES)('%s', (device) => {
      let encoder: LoadedEncoder
      afterAll(() => encoder.dispose())

      test.each(BUCKETS)('[vector-safe] a text padded to %i tokens keeps its vector', async (bucket) => {
        await encoder?.dispose()
        encoder = await loadEncoder(specOf(device, { shapes: 'static', buckets: [bucket], properties }))
        expect(encoder.maxTokens).toBe(bucket)
        const padded = await vectors(encoder, bucket)
        const compared = padded.filter((vector) => vector !== undefined)
        expect(compared.length).toBeGreaterThan(10)
        padded.forEach((vector, i) => {
          if (!vector) return
          expect(cosine(vector, unpadded[i]!)).toBeGreaterThanOrEqual(0.999)
          expect(cosine(vector, expected[i]!)).toBeGreaterThanOrEqual(0.99)
        })
      })

      test('[vector-safe] dynamic batches reproduce them', async () => {
        await encoder?.dispose()
        encoder = await loadEncoder(specOf(device, { shapes: 'dynamic', properties }))
        const together = await vectors(encoder, 512)
        together.forEach((vector, i) => {
          expect(cosine(vector!, unpadded[i]!)).toBeGreaterThanOrEqual(0.999)
          expect(cosine(vector!, expected[i]!)).toBeGreaterThanOrEqual(0.99)
        })
      })
    })
  })
})
