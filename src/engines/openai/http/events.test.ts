import { once } from 'node:events'
import { createServer, get, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { readEvents } from './events.ts'

let server: Server
afterEach(() => server.close())

/** What a server answers that sends these pieces one after the other. */
async function answerOf(
  pieces: readonly (string | Buffer)[],
  ending: 'end' | 'cut' | 'open',
): Promise<IncomingMessage> {
  server = createServer(async (_, reply) => {
    for (const piece of pieces) {
      reply.write(piece)
      await sleep(5)
    }
    if (ending === 'end') reply.end()
    if (ending === 'cut') reply.destroy()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const [answer] = await once(get({ port, agent: false }), 'response')
  return answer as IncomingMessage
}

async function read(
  pieces: readonly (string | Buffer)[],
  ending: 'end' | 'cut' | 'open',
  last = 'none',
): Promise<string[]> {
  const seen: string[] = []
  await readEvents(await answerOf(pieces, ending), (data) => seen.push(data) > 0 && data === last)
  return seen
}

describe('events of a stream', () => {
  const e = Buffer.from('data: é\n')
  test.each<[string, (string | Buffer)[], string[]]>([
    ['whole', ['data: 1\n\ndata:2\n\n'], ['1', '2']],
    ['in parts', ['da', 'ta: 1\r', '\n\r\nda', 'ta: 2\n\n'], ['1', '2']],
    ['with comments and other fields', [': wait\n\nevent: x\nid: 3\ndata: 1\n\n'], ['1']],
    ['the last without an end of its line', ['data: 1\n\ndata: 2'], ['1', '2']],
    ['a character in two pieces', [e.subarray(0, 7), e.subarray(7)], ['é']],
  ])('%s', async (_, pieces, seen) => {
    expect(await read(pieces, 'end')).toEqual(seen)
  })

  test('what follows the last one is not waited for', async () => {
    expect(await read(['data: 1\n\ndata: end\n\ndata: 3\n\n'], 'open', 'end')).toEqual(['1', 'end'])
  })

  test('a stream that breaks off fails', async () => {
    await expect(read(['data: 1\n\n'], 'cut')).rejects.toThrow()
  })

  test('what its reader throws ends it', async () => {
    const answer = await answerOf(['data: 1\n\n'], 'open')
    const broken = readEvents(answer, () => {
      throw new Error('no such event')
    })
    await expect(broken).rejects.toThrow('no such event')
    expect(answer.destroyed).toBe(true)
  })

  test('a line without an end is cut off', async () => {
    const long = 'x'.repeat(1024 * 1024)
    await expect(read([`data: ${long}`, long, long, long, long], 'open')).rejects.toThrow(
      'a line of its stream has more',
    )
  })
})
