/** What is measured is code, as an index embeds it: its words, signs and indentation cost what real ones cost. */
const LINES = [
  'export async function parseConfig(path: string): Promise<Config> {',
  '  const text = await readFile(path, "utf8")',
  '  if (text.length > limits.maxBytes) throw new RangeError(path + " is too large")',
  '  return Config.parse(JSON.parse(text))',
  '}',
  'def a_star(graph, start, goal):',
  '    # the cheapest known way to each node',
  '    costs = {start: 0}',
  '    while queue and queue[0].cost < best:',
  '        node = heappop(queue)',
  '        for neighbour, weight in graph[node].items():',
  '            costs[neighbour] = min(costs.get(neighbour, inf), costs[node] + weight)',
  '    return sorted(costs, key=lambda n: costs[n])',
  'static int ring_push(struct ring *r, const void *item, size_t size)',
  '{',
  '    if (r->head - r->tail >= r->capacity) return -ENOSPC;',
  '    memcpy(r->slots + (r->head++ % r->capacity) * r->stride, item, size);',
  '    return 0;',
  '}',
  '/** Requests that wait longer than this are answered with an error. */',
  'for (const [id, waiting] of this.queue.entries()) {',
  '  const ageMs = now - waiting.sinceMs',
  '  if (ageMs > this.options.maxWaitMs) waiting.reject(new TimeoutError(id, ageMs))',
]

/**
 * A fixed text that looks like code; another start gives another text of the same kind.
 * @param start number of its first line
 * @param chars exact length, at least 1
 */
export function codeText(start: number, chars: number): string {
  let text = ''
  for (let line = start; text.length < chars; line++) text += `${LINES[line % LINES.length]}\n`
  return text.slice(0, chars)
}
