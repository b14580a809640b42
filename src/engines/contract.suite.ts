import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { EmbedInput, EmbedOutput } from '../domain/index.ts'
import type { LoadedEncoder } from './contract.ts'

const never = new AbortController().signal
const TEXTS = [
  'export function enqueue(request: Request): void {\n  waiting.push(request)\n}',
  'cancel',
  'The quick brown fox jumps over the lazy dog and is refused, because the queue is full. '.repeat(4),
  'where is the request queue bounded?',
]

function rows(output: EmbedOutput): Float32Array[] {
  const { vectors, dimensions } = output
  return Array.from({ length: vectors.length / dimensions }, (_, i) =>
    vectors.slice(i * dimensions, (i + 1) * dimensions),
  )
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let d = 0; d < a.length; d++) sum += a[d]! * b[d]!
  return sum
}

/**
 * What every encoder engine promises (see `LoadedEncoder`), for a model with unit vectors.
 * @param name of the engine and device
 * @param makeLoaded loads an embedding model anew; the suite disposes of it
 */
export function encoderSuite(name: string, makeLoaded: () => Promise<LoadedEncoder>): void {
  describe(`encoder: ${name}`, () => {
    let encoder: LoadedEncoder
    const embed = (inputs: readonly EmbedInput[]): Promise<EmbedOutput> =>
      encoder.embed(inputs, 'passage', never)

    beforeAll(async () => {
      encoder = await makeLoaded()
    })
    afterAll(() => encoder.dispose())

    test('returns one unit vector for each input', async () => {
      const output = await embed(TEXTS)
      expect(output.dimensions).toBe(encoder.dimensions)
      expect(output.vectors.length).toBe(TEXTS.length * encoder.dimensions)
      for (const vector of rows(output)) expect(dot(vector, vector)).toBeCloseTo(1, 5)
    })

    test('keeps the order of the inputs, of like and of unlike lengths', async () => {
      const texts = [...TEXTS, 'parse the token', 'sort this list', 'close the socket', 'draw a circle']
      const together = rows(await embed(texts))
      for (const [i, text] of texts.entries()) {
        const alone = rows(await embed([text]))[0]!
        const scores = together.map((vector) => dot(vector, alone))
        expect(scores.indexOf(Math.max(...scores))).toBe(i)
      }
    })

    test('agrees in a batch and alone at a cosine of .9998', async () => {
      const texts = [...TEXTS, ...TEXTS.map((text, i) => `${text} ${'more words '.repeat(i * 9)}`)]
      const together = rows(await embed(texts))
      for (const [i, text] of texts.entries()) {
        const alone = rows(await embed([text]))[0]!
        expect(dot(together[i]!, alone)).toBeGreaterThanOrEqual(0.9998)
      }
    })

    test('gives the same vectors on other compute threads, and does not stop for them', async () => {
      const before = rows(await embed(TEXTS))
      const during = embed([...TEXTS, ...TEXTS, ...TEXTS])
      await Promise.all([encoder.setThreads?.(2), encoder.setThreads?.(3)])
      const vectors = [...rows(await during), ...rows(await embed(TEXTS))]
      await encoder.setThreads?.(1)
      for (const [i, vector] of [...vectors, ...rows(await embed(TEXTS))].entries())
        expect(dot(vector, before[i % TEXTS.length]!)).toBeGreaterThanOrEqual(0.9998)
    })

    test('tells different texts apart', async () => {
      const [a, b, c] = rows(
        await embed(['sort a list of numbers', 'sorting numbers in a list', 'TLS handshake']),
      )
      expect(dot(a!, b!)).toBeGreaterThan(dot(a!, c!))
    })

    test('cuts a long text to the limit, says so, and leaves its neighbours alone', async () => {
      const long = 'limit the queue '.repeat(encoder.maxTokens)
      const output = await embed(['short', long, 'also short', `${long} with another end`])
      expect(output.truncated).toEqual([1, 3])
      expect(output.tokens[1]).toBe(encoder.maxTokens)
      expect(output.tokens[0]).toBeLessThan(10)
      const [short, first, , second] = rows(output)
      expect(dot(first!, second!)).toBeGreaterThanOrEqual(0.9998) // they differ only beyond the limit
      expect(dot(short!, rows(await embed(['short']))[0]!)).toBeGreaterThanOrEqual(0.9998)
    })

    test('embeds an empty text and no inputs at all', async () => {
      const output = await embed(['', ' \n'])
      for (const vector of rows(output)) expect(dot(vector, vector)).toBeCloseTo(1, 5)
      expect(output.truncated).toEqual([])
      const none = await embed([])
      expect(none).toMatchObject({ tokens: [], truncated: [], dimensions: encoder.dimensions })
      expect(none.vectors.length).toBe(0)
    })

    test('takes token ids, and counts the special tokens that it adds', async () => {
      const output = await embed([[100, 200, 300], 'text', [], Array(encoder.maxTokens).fill(100)])
      const added = output.tokens[2]!
      expect(output.tokens[0]).toBe(3 + added)
      expect(output.truncated).toEqual([3])
      for (const vector of rows(output)) expect(dot(vector, vector)).toBeCloseTo(1, 5)
    })

    test.each([[-1], [1.5], [1e9], [Number.NaN]])(
      'refuses %d as a token id and names its input',
      async (id) => {
        await expect(embed(['text', [100, id]])).rejects.toMatchObject({
          code: 'INVALID_REQUEST',
          param: 'input.1',
        })
      },
    )

    test('stops between inner batches when the signal is aborted', async () => {
      const controller = new AbortController()
      const many = Array.from({ length: 200 }, (_, i) => `${TEXTS[0]} ${'word '.repeat(i)}`)
      const running = encoder.embed(many, 'passage', controller.signal)
      setImmediate(() => controller.abort())
      await expect(running).rejects.toMatchObject({ code: 'CANCELLED' })
      await expect(encoder.embed(['a'], 'query', AbortSignal.abort())).rejects.toMatchObject({
        code: 'CANCELLED',
      })
      expect((await embed(['still works'])).tokens.length).toBe(1)
    })

    test('answers calls that overlap', async () => {
      const alone = await Promise.all(TEXTS.map((text) => embed([text])))
      const together = rows(await embed(TEXTS))
      alone.forEach((output, i) => {
        expect(dot(rows(output)[0]!, together[i]!)).toBeGreaterThanOrEqual(0.9998)
      })
    })

    test('fails cleanly after it was disposed of, which may happen twice', async () => {
      const other = await makeLoaded()
      await other.dispose()
      await other.dispose()
      await expect(other.embed(['a'], 'query', never)).rejects.toMatchObject({ code: 'ENGINE_FAILED' })
    })
  })
}
