import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { furtherAddresses } from './further-ports.ts'
import { CHAT, type DoubleServer, neverEnds, startDouble } from './testing/doubles.ts'

let server: DoubleServer | undefined
afterEach(async () => {
  await server?.http.close(0)
  server = undefined
})

describe('which', () => {
  const of = (alsoListen: number[], embedPort?: number) =>
    furtherAddresses(
      { host: '192.0.2.1', alsoListen, compat: embedPort === undefined ? {} : { embedPort } },
      8420,
    ).map(({ host, port }) => `${host}:${port}`)

  test.each([
    [[], undefined, []],
    [[1234, 11434], undefined, ['192.0.2.1:1234', '192.0.2.1:11434']],
    [[], 8001, ['127.0.0.1:8001']],
    [[1234, 1234, 8420], 1234, ['192.0.2.1:1234']],
    [[0, 0], 0, ['192.0.2.1:0', '192.0.2.1:0', '127.0.0.1:0']],
  ])('%j and %s', (alsoListen, embedPort, expected) => {
    expect(of(alsoListen, embedPort)).toEqual(expected)
  })
})

test('the same server answers on each of them, and checks Host there too', async () => {
  server = await startDouble({ alsoListen: [0, 0], compat: { embedPort: 0 } })
  expect(new Set([server.url, ...server.alsoAt]).size).toBe(4)
  for (const url of server.alsoAt) {
    const models = await fetch(`${url}/v1/models`)
    expect(((await models.json()) as { data: { id: string }[] }).data[0]!.id).toBe(CHAT.id)
    expect(await statusWithHost(url, 'evil.example')).toBe(403)
  }
})

function statusWithHost(url: string, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    socket.write(`GET /health HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`)
    socket.once('data', (bytes) => resolve(Number(String(bytes).split(' ')[1])))
    socket.once('error', reject)
  })
}

test('a taken port is told with its holder, and the server runs without it', async () => {
  const holder = createServer((_, response) => response.end('mine')).listen(0, '127.0.0.1')
  await new Promise((resolve) => holder.once('listening', resolve))
  const { port } = holder.address() as AddressInfo
  server = await startDouble({ alsoListen: [port, 0] })
  expect(server.alsoAt).toHaveLength(1)
  expect(server.problems).toEqual([
    expect.stringMatching(
      new RegExp(`^port ${port} on 127\\.0\\.0\\.1 is taken by another program, .*server\\.alsoListen$`),
    ),
  ])
  expect((await fetch(`${server.url}/health`)).status).toBe(200)
  await new Promise((resolve) => holder.close(resolve))
})

test('closing ends their streams and frees them', async () => {
  server = await startDouble({ alsoListen: [0] })
  server.serving.script = neverEnds('x', 10)
  const [url] = server.alsoAt as [string]
  const body = JSON.stringify({
    model: CHAT.id,
    messages: [{ role: 'user', content: 'hi' }],
    stream: true,
  })
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  })
  await server.http.close(0)
  expect(await response.text()).toContain('shutting_down')
  await expect(fetch(`${url}/health`)).rejects.toThrow()
  server = undefined
})
