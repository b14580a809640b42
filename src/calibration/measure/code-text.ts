/** Short, so that any part of its repetition has about as many tokens as another of the same length. */
const LINES = [
  'async function takeBatch(queue: Entry[]) {',
  '  const batch = queue.splice(0, limits.maxBatch)',
  '  if (batch.length === 0) return undefined // idle',
  '  return { id: nextId++, batch, sinceMs: now() }',
  '}',
]

/**
 * A fixed text that looks like code: its words, signs and indentation cost what real ones cost.
 * @param start number of its first line
 * @param chars exact length, at least 1
 */
export function codeText(start: number, chars: number): string {
  let text = ''
  for (let line = start; text.length < chars; line++) text += `${LINES[line % LINES.length]}\n`
  return text.slice(0, chars)
}
