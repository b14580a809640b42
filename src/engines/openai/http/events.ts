import type { IncomingMessage } from 'node:http'
import { finished } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'

/** One event of a model is a few hundred bytes; a server that never ends its line must not fill the memory. */
const MAX_LINE = 4 * 1024 * 1024

/**
 * Hands the data of each server-sent event to `take`, in order and as soon as it is there; comments are left out.
 * @param take says whether the stream is over for its reader: what follows is not read
 * @throws Error for a line without an end, or when the stream breaks off; what `take` throws
 */
export function readEvents(answer: IncomingMessage, take: (data: string) => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const decoder = new StringDecoder('utf8')
    let rest = ''
    let over = false
    const end = (error?: unknown) => {
      if (over) return
      over = true
      answer.destroy()
      if (error === undefined) resolve()
      else reject(error)
    }
    const takeLine = (line: string) => {
      if (!over && line.startsWith('data:') && take(line.slice('data:'.length).trim())) end()
    }
    const guard = (work: () => void) => {
      try {
        work()
      } catch (thrown) {
        end(thrown)
      }
    }
    answer.on('data', (chunk: Buffer) => {
      guard(() => {
        const lines = (rest + decoder.write(chunk)).split('\n')
        rest = lines.pop() ?? ''
        if (rest.length > MAX_LINE)
          throw new Error(`a line of its stream has more than ${MAX_LINE} characters`)
        for (const line of lines) takeLine(line)
      })
    })
    finished(answer, { writable: false }, (error) => {
      if (!error) guard(() => takeLine(rest))
      end(error ?? undefined)
    })
  })
}
