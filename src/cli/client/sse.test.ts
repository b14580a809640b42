import { expect, test } from 'vitest'
import { sseData } from './sse.ts'

async function read(parts: readonly (string | Uint8Array)[]): Promise<string[]> {
  async function* body() {
    for (const part of parts) yield typeof part === 'string' ? Buffer.from(part) : part
  }
  const events: string[] = []
  for await (const data of sseData(body())) events.push(data)
  return events
}

const TEXT =
  'data: {"a":1}\n\n: a comment\n\nevent: x\r\ndata: zwei Zeilen\r\ndata:\u00e9nd\r\n\r\ndata: [DONE]\n\n'

test.each([1, 2, 3, 7, 1000])('events cut into pieces of %i bytes', async (size) => {
  const bytes = Buffer.from(TEXT)
  const parts = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
    bytes.subarray(i * size, (i + 1) * size),
  )
  expect(await read(parts)).toEqual(['{"a":1}', 'zwei Zeilen\n\u00e9nd', '[DONE]'])
})

test('an event that was not ended is not given', async () => {
  expect(await read(['data: 1\n\ndata: 2\n'])).toEqual(['1'])
})

test('an event without an end is refused, not kept', async () => {
  await expect(read(Array.from({ length: 6 }, () => 'x'.repeat(1024 * 1024)))).rejects.toThrow(
    'without an end',
  )
})
