import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { SpareConnection } from './spare-connection.ts'
import { ask, textOf } from './transport.ts'

let server: Server
let url: string
let sockets: Socket[]
let asked: { socket: Socket }[]

beforeEach(async () => {
  sockets = []
  asked = []
  server = createServer((request: IncomingMessage, reply) => {
    asked.push({ socket: request.socket })
    reply.end('yes')
  }).listen(0, '127.0.0.1')
  server.on('connection', (socket) => sockets.push(socket))
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(() => {
  for (const socket of sockets) socket.destroy()
  server.close()
})

const { signal } = new AbortController()

async function connections(count: number): Promise<void> {
  while (sockets.length < count) await once(server, 'connection')
}

async function askBy(spare: SpareConnection): Promise<string> {
  return textOf(await ask({ url, spare }, { path: '/', body: {}, signal }), 100)
}

test('a request goes by the connection that stands open, and the next one is opened', async () => {
  const spare = new SpareConnection(url)
  expect(await askBy(spare)).toBe('yes')
  await connections(2)
  expect(asked[0]?.socket).toBe(sockets[0])
  expect(await askBy(spare)).toBe('yes')
  expect(asked[1]?.socket).toBe(sockets[1])
  await connections(3)
  spare.close()
  await once(sockets[2]!, 'close')
})

test('one that the server closed is not used', async () => {
  const spare = new SpareConnection(url)
  spare.openSoon()
  await connections(1)
  sockets[0]!.end()
  await once(sockets[0]!, 'close')
  expect(await askBy(spare)).toBe('yes')
  expect(asked[0]?.socket).toBe(sockets[1])
  spare.close()
})

test('one that breaks as the request is sent is followed by a fresh one', async () => {
  const spare = new SpareConnection(url)
  spare.openSoon()
  await connections(1)
  sockets[0]!.resetAndDestroy()
  expect(await askBy(spare)).toBe('yes')
  spare.close()
})

test('a server that is not there is an error of the request', async () => {
  const gone = new SpareConnection('http://127.0.0.1:1')
  gone.openSoon()
  await expect(ask({ url: 'http://127.0.0.1:1', spare: gone }, { path: '/', signal })).rejects.toThrow(
    'ECONNREFUSED',
  )
})
