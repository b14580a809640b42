import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { ask, textOf } from './transport.ts'

const { signal } = new AbortController()

test.each<[string, string, string | undefined, string | undefined]>([
  ['nothing but an address', 'http://127.0.0.1:PORT', undefined, undefined],
  ['a folder', 'http://127.0.0.1:PORT/base/', undefined, undefined],
  ['a key', 'http://127.0.0.1:PORT', 'k', 'Bearer k'],
  ['a name and a password', 'http://me:a%20b@127.0.0.1:PORT', undefined, 'Basic bWU6YSBi'],
  ['a key beside them', 'http://me:a%20b@127.0.0.1:PORT', 'k', 'Bearer k'],
])('what is asked of %s', async (_, address, key, authorization) => {
  const server = createServer(({ url, headers }, reply) =>
    reply.end(JSON.stringify({ url, headers })),
  ).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const target = { url: address.replace('PORT', String(port)), key }
  const answer = await ask(target, { path: '/v1/models?x=%C3%A9', body: { é: 1 }, signal })
  const { url, headers } = JSON.parse(await textOf(answer, 10_000))
  const base = address.includes('base') ? '/base' : ''
  expect(url).toBe(`${base}/v1/models?x=%C3%A9`)
  expect(headers).toMatchObject({ host: `127.0.0.1:${port}`, 'content-length': '8' })
  expect(headers.authorization).toBe(authorization)
  server.close()
})
