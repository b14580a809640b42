import { createServer, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { TextStream } from './text-stream.ts'

const PIECE = `data: ${'x'.repeat(256 * 1024)}\n\n`
const UNREAD = 24 * 2 ** 20
/** Longer than the process stands still on a busy machine. */
const LAST_READ_MS = 3_000

const ends: (() => void)[] = []
afterEach(() => {
  for (const end of ends.splice(0)) end()
})

/** A stream that has ended with much unread, and the socket that has read nothing of it yet. */
async function endedUnread(): Promise<{ socket: Socket; closed: Promise<unknown>; sent: number }> {
  const answering = new Promise<ServerResponse>((resolve) => {
    const server = createServer((_, response) => resolve(response)).listen(0, '127.0.0.1', () => {
      const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
      socket.pause()
      socket.on('error', () => {})
      socket.write('GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n')
      client = socket
      ends.push(() => socket.destroy())
    })
    ends.push(() => server.close())
  })
  let client: Socket | undefined
  const raw = await answering
  const reply = { raw, header: () => reply, getHeaders: () => ({}), hijack: () => reply } as never
  const exchange = { signal: new AbortController().signal, abort: () => {} }
  const stream = new TextStream(reply, exchange, { lastReadMs: LAST_READ_MS })
  let sent = 0
  for (; raw.writableLength < UNREAD; sent += PIECE.length) {
    stream.write(PIECE)
    await sleep(0)
  }
  const closed = new Promise((resolve) => raw.once('close', resolve))
  stream.end()
  return { socket: client!, closed, sent }
}

describe('a stream that has ended with much unread', () => {
  test('is cut when its reader has stopped', async () => {
    const { socket, closed, sent } = await endedUnread()
    await closed
    let read = 0
    socket.on('data', (bytes) => {
      read += bytes.length
    })
    await new Promise((resolve) => socket.once('close', resolve).resume())
    expect(read).toBeLessThan(sent)
  })

  test('is read to its end by a reader that is slow', async () => {
    const { socket, sent } = await endedUnread()
    const startedMs = performance.now()
    let read = 0
    socket.on('data', (bytes) => {
      read += bytes.length
      socket.pause()
      setTimeout(() => socket.resume(), 12)
    })
    await new Promise((resolve) => socket.once('close', resolve).resume())
    expect(read).toBeGreaterThan(sent) // with its chunks' heads
    expect(performance.now() - startedMs).toBeGreaterThan(LAST_READ_MS)
  })
})
