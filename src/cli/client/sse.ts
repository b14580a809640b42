/** Bytes of one event; a longer one is no event of ours. */
const MAX_EVENT_CHARS = 4 * 1024 * 1024

/**
 * The data of each server-sent event, in order.
 * @throws Error when an event is longer than 4 Mi characters
 */
export async function* sseData(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  let data: string[] = []
  for await (const bytes of body) {
    rest += decoder.decode(bytes, { stream: true })
    if (rest.length > MAX_EVENT_CHARS) throw new Error('the server sent an event without an end')
    const lines = rest.split(/\r\n|\n|\r(?!$)/) // a CR at the very end may be half of a CRLF
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) yield data.join('\n')
        data = []
      } else if (line.startsWith('data:')) data.push(line.slice(5).replace(/^ /, ''))
    }
  }
}
