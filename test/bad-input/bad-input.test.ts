import { request } from 'node:http'
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, TEST_MODELS, type TestServer } from '../support/server.ts'
import { BODIES } from './bodies.ts'
import { DIALECT_REQUESTS } from './dialect-requests.ts'
import { MODEL_REQUESTS } from './model-requests.ts'
import { OLLAMA_REQUESTS } from './ollama-requests.ts'
import { type BadRequest, LIMITS } from './row.ts'
import { SCORE_REQUESTS } from './score-requests.ts'
import { TANDEM_REQUESTS } from './tandem-routes.ts'
import { TRANSPORT } from './transport.ts'

const BAD_REQUESTS = [
  ...BODIES,
  ...MODEL_REQUESTS,
  ...DIALECT_REQUESTS,
  ...OLLAMA_REQUESTS,
  ...SCORE_REQUESTS,
  ...TANDEM_REQUESTS,
  ...TRANSPORT,
]

interface Answer {
  readonly status: number
  readonly body: string
}

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ config: { server: LIMITS, models: { folders: [TEST_MODELS] } } })
})
afterAll(async () => {
  await server?.stop()
})

function bytesOf(body: unknown): Buffer | undefined {
  if (body === undefined || Buffer.isBuffer(body)) return body
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
}

/** By `node:http`, as `fetch` lets nobody send a Host of his own. */
function send({ method, path, headers = {}, body }: BadRequest): Promise<Answer> {
  const bytes = bytesOf(body)
  const { hostname, port } = new URL(server.url)
  const sent = Object.entries({ ...(bytes ? { 'content-type': 'application/json' } : {}), ...headers })
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { hostname, port, method, path, headers: Object.fromEntries(sent.filter(([, value]) => value !== '')) },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk) => chunks.push(chunk))
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }),
        )
      },
    )
    outgoing.on('error', reject)
    outgoing.end(bytes)
  })
}

function sendRaw(bytes: string | Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1', () => socket.write(bytes))
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk
    })
    socket.on('error', reject)
    socket.on('close', () =>
      resolve({ status: Number(text.slice(9, 12)), body: text.slice(text.indexOf('\r\n\r\n') + 4) }),
    )
  })
}

test.each(BAD_REQUESTS)('[bounded] $name: $status', async (bad) => {
  const answer = bad.raw === undefined ? await send(bad) : await sendRaw(bad.raw)
  const body = JSON.parse(answer.body)
  const { error } = body
  const isOllama = bad.path.startsWith('/api/')
  expect({ status: answer.status, message: isOllama ? error : error.message }).toEqual({
    status: bad.status,
    message: expect.stringMatching(bad.message),
  })
  const form = {
    message: expect.any(String),
    type: expect.stringMatching(/^[a-z_]+_error$/),
    code: expect.stringMatching(/^[a-z_]+$/),
  }
  if (isOllama) expect(body).toEqual({ error: expect.any(String) })
  else if (bad.path.startsWith('/v1/messages')) expect(body).toEqual({ type: 'error', error: form })
  else expect(body).toEqual({ error: { ...form, param: bad.param === undefined ? error.param : bad.param } })
})

test('names are told apart, and there are at least 60', () => {
  expect(new Set(BAD_REQUESTS.map(({ name }) => name)).size).toBe(BAD_REQUESTS.length)
  expect(BAD_REQUESTS.length).toBeGreaterThanOrEqual(60)
})

test('after all that the server answers as before', async () => {
  expect((await fetch(`${server.url}/health`)).status).toBe(200)
  const response = await fetch(`${server.url}/v1/embeddings`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'tandem-embed-small', input: ['a\0b', ''] }),
  })
  expect(response.status).toBe(200)
  const reranked = await fetch(`${server.url}/v1/rerank`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: 'a\0b', documents: ['', 'x'.repeat(10_000)] }),
  })
  expect(reranked.status).toBe(200)
})
