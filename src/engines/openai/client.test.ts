import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { ServerKind } from '../../domain/index.ts'
import { ServerClient } from './client.ts'

const STALE = { error: { message: 'proxy error: Could not establish connection', code: 500 } }

/** Says so often that the process of its model is gone, and answers then. */
async function askStale(kind: ServerKind, times: number) {
  let asked = 0
  const server = createServer((_, reply) => {
    asked += 1
    const stale = asked <= times
    reply.writeHead(stale ? 500 : 200, { 'content-type': 'application/json' })
    reply.end(JSON.stringify(stale ? STALE : { ok: true }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const client = new ServerClient({ server: { name: 'peer', kind, url, local: true }, as: 'm' }, undefined)
  const { signal } = new AbortController()
  const answer = await client.json('/any', z.unknown(), { signal }).catch((thrown: Error) => thrown)
  client.dispose()
  server.close()
  return { answer, asked }
}

test('what a router of llama-server says until it starts the process of a model again is waited for', async () => {
  expect(await askStale('llama-server', 2)).toEqual({ answer: { ok: true }, asked: 3 })
})

test('the same words of another server are its answer', async () => {
  const { answer, asked } = await askStale('vllm', 2)
  expect(asked).toBe(1)
  expect(answer).toMatchObject({ code: 'ENGINE_FAILED', message: expect.stringContaining('proxy error') })
})

test('an answer that is none ends the request with a reason', async () => {
  const server = createServer()
    .on('connection', (socket) =>
      socket.on('error', () => {}).end('HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
    )
    .listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const about = { name: 'peer', kind: 'vllm', url, local: true } as const
  const client = new ServerClient({ server: about, as: 'm' }, undefined)
  const { signal } = new AbortController()
  await expect(client.json('/any', z.unknown(), { signal })).rejects.toMatchObject({
    code: 'ENGINE_FAILED',
    message: expect.stringMatching(/closed the connection without an answer/),
  })
  client.dispose()
  server.close()
})
