import { connect } from 'node:net'
import { Script } from 'node:vm'
import { afterEach, describe, expect, test } from 'vitest'
import { TandemError } from '../domain/index.ts'
import { type DoubleServer, startDouble } from './testing/doubles.ts'

const hello = { model: 'tiny-chat', messages: [{ role: 'user', content: 'hi' }] }

let server: DoubleServer
afterEach(() => server?.http.close(0))

/** Sends bytes as they are and reads until the server closes. */
function raw(url: string, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(bytes))
    let answer = ''
    socket.on('data', (chunk) => {
      answer += chunk
    })
    socket.on('close', () => resolve(answer))
    socket.on('error', reject)
  })
}

describe('listening', () => {
  test('a taken port names the Tandem that holds it', async () => {
    server = await startDouble()
    const port = Number(new URL(server.url).port)
    await expect(startDouble({ port })).rejects.toMatchObject({
      code: 'PORT_TAKEN',
      message: expect.stringContaining('another Tandem server (tandem/0.0.0)'),
    })
  })

  test('[private] another address than loopback needs an API key', async () => {
    await expect(startDouble({ host: '0.0.0.0' })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('server.apiKey'),
    })
    server = await startDouble({ host: '0.0.0.0', apiKey: 'secret-key' })
    expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect((await fetch(`${server.url}/health`)).status).toBe(200)
    expect((await fetch(`${server.url}/v1/models`)).status).toBe(401)
    const headers = { authorization: 'Bearer secret-key' }
    expect((await fetch(`${server.url}/v1/models`, { headers })).status).toBe(200)
  })

  test('an address that is not of this machine is a configuration error', async () => {
    await expect(startDouble({ host: '203.0.113.7', apiKey: 'secret-key' })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    })
  })
})

describe('browsers', () => {
  const origin = 'https://app.example'

  test('an allowed origin gets CORS headers, also on errors, and an answer to its preflight without a key', async () => {
    server = await startDouble({ allowedOrigins: [origin], apiKey: 'secret-key' })
    const preflight = await fetch(`${server.url}/v1/chat/completions`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization, content-type, x-stainless-os',
      },
    })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-origin')).toBe(origin)
    expect(preflight.headers.get('access-control-allow-headers')).toContain('x-stainless-os')
    const refused = await server.post('/v1/chat/completions', hello, { origin })
    expect(refused.status).toBe(401)
    expect(refused.headers.get('access-control-allow-origin')).toBe(origin)
    const stream = await server.post(
      '/v1/chat/completions',
      { ...hello, stream: true },
      { origin, 'x-api-key': 'secret-key' },
    )
    expect(stream.headers.get('access-control-allow-origin')).toBe(origin)
    expect(stream.headers.get('access-control-expose-headers')).toContain('x-tandem-device')
    await stream.text()
  })

  test('[private] a foreign origin gets 403 and no CORS header, also for its preflight', async () => {
    server = await startDouble()
    const foreign = { origin: 'http://evil.example', 'access-control-request-method': 'POST' }
    for (const method of ['OPTIONS', 'GET']) {
      const response = await fetch(`${server.url}/v1/models`, { method, headers: foreign })
      expect(response.status).toBe(403)
      expect(response.headers.get('access-control-allow-origin')).toBeNull()
    }
  })

  test('the page is one document under a strict policy; JSON for who takes only that', async () => {
    server = await startDouble({ apiKey: 'secret-key' })
    const html = await fetch(server.url, { headers: { accept: 'text/html,application/xhtml+xml,*/*' } })
    const policy = html.headers.get('content-security-policy')!
    const nonce = /'nonce-([^']+)'/.exec(policy)![1]!
    const text = await html.text()
    expect(policy).toContain("default-src 'none'")
    const [, script] = /<script nonce=[^>]+>(.*)<\/script>/s.exec(text)!
    expect(() => new Script(script!)).not.toThrow()
    expect(text.split(`nonce="${nonce}"`)).toHaveLength(3)
    expect(text).not.toMatch(/(src|href)="(https?:)?\/\//)
    const json = await fetch(server.url, { headers: { accept: 'application/json' } })
    expect(await json.json()).toMatchObject({ name: 'Tandem', api: '/v1' })
  })
})

describe('requests that do not arrive', () => {
  test('a body that trickles gets 408', async () => {
    server = await startDouble({}, { timing: { requestTimeoutMs: 100 } })
    const answer = await raw(
      server.url,
      'POST /v1/embeddings HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"a"',
    )
    expect(answer).toMatch(/^HTTP\/1\.1 408 /)
    expect(answer).toContain('"code":"request_timeout"')
  })

  test('a body over the limit gets 413 in the usual form', async () => {
    server = await startDouble({ maxBodyBytes: 1024 })
    const response = await server.post('/v1/embeddings', { model: 'small-embed', input: 'x'.repeat(2000) })
    expect(response.status).toBe(413)
    expect(await response.json()).toMatchObject({ error: { code: 'body_too_large', param: null } })
  })
})

describe('embeddings', () => {
  test('float and base64 are the same numbers, who served them is said, cut inputs are named', async () => {
    server = await startDouble()
    server.serving.truncated = [1]
    const body = { model: 'small-embed', input: ['a', 'b'] }
    const float = await server.post('/v1/embeddings', body)
    expect(float.headers.get('x-tandem-device')).toBe('cpu')
    const floats = (await float.json()) as { data: { embedding: number[] }[] }
    expect(floats).toMatchObject({
      object: 'list',
      model: 'small-embed',
      usage: { prompt_tokens: 10, total_tokens: 10, truncated: true },
      tandem: { fingerprint: 'feedface', truncated_inputs: [1] },
    })
    const base64 = await server.post('/v1/embeddings', { ...body, encoding_format: 'base64' })
    const texts = (await base64.json()) as { data: { embedding: string }[] }
    for (const [at, { embedding }] of texts.data.entries()) {
      const bytes = Buffer.from(embedding, 'base64')
      expect([0, 4, 8, 12].map((offset) => bytes.readFloatLE(offset))).toEqual(floats.data[at]!.embedding)
    }
  })

  test.each([
    [16, undefined, 'interactive'],
    [17, undefined, 'bulk'],
    [17, 'interactive', 'interactive'],
    [1, 'bulk', 'bulk'],
  ])('%i inputs with the header %s are %s', async (count, header, priority) => {
    server = await startDouble()
    const input = Array.from({ length: count }, () => 'a')
    const headers: Record<string, string> = header ? { 'x-tandem-priority': header } : {}
    await server.post('/v1/embeddings', { model: 'small-embed', input, input_type: 'search_query' }, headers)
    expect(server.serving.embeds[0]).toMatchObject({ request: { purpose: 'query' }, context: { priority } })
  })

  test('who asks is told by its key, else by its connection; the key itself is not kept', async () => {
    server = await startDouble()
    const body = { model: 'small-embed', input: 'a' }
    for (const key of ['sk-one', 'sk-two', 'sk-one'])
      await server.post('/v1/embeddings', body, { authorization: `Bearer ${key}` })
    await server.post('/v1/embeddings', body)
    const [one, two, again, bare] = server.serving.embeds.map(({ context }) => context.client)
    expect(again).toBe(one)
    expect(new Set([one, two, bare]).size).toBe(3)
    expect(`${one}${two}`).not.toMatch(/sk-/)
  })

  test('an engine that fails is a 500 that names it', async () => {
    server = await startDouble()
    server.serving.embedError = new TandemError('ENGINE_FAILED', { engine: 'onnxruntime', why: 'bad day' })
    const response = await server.post('/v1/embeddings', { model: 'small-embed', input: 'a' })
    expect(response.status).toBe(500)
    expect(await response.json()).toEqual({
      error: {
        message: 'onnxruntime failed: bad day',
        type: 'server_error',
        param: null,
        code: 'engine_failed',
      },
    })
  })
})

test('health is 503 until ready', async () => {
  let ready = false
  server = await startDouble({}, { isReady: () => ready })
  const starting = await fetch(`${server.url}/health`)
  expect([starting.status, await starting.json()]).toEqual([503, { status: 'starting' }])
  ready = true
  const ok = await fetch(`${server.url}/health`)
  expect([ok.status, await ok.json()]).toEqual([200, { status: 'ok' }])
})
