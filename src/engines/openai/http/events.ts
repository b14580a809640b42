import type { IncomingMessage } from 'node:http'
import { StringDecoder } from 'node:string_decoder'

/** One event of a model is a few hundred bytes; a server that never ends its line must not fill the memory. */
const MAX_LINE = 4 * 1024 * 1024

/**
 * The data of each server-sent event, in order; comments are left out.
 * @throws Error for a line without an end, or when the stream breaks off
 */
export async function* events(answer: IncomingMessage): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    const lines = (rest + decoder.write(chunk)).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > MAX_LINE) throw new Error(`a line of its stream has more than ${MAX_LINE} characters`)
    for (const line of lines) if (line.startsWith('data:')) yield line.slice('data:'.length).trim()
  }
  if (rest.startsWith('data:')) yield rest.slice('data:'.length).trim()
}
