import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { TandemError } from '../domain/index.ts'
import type { Waiting } from '../scheduling/contract.ts'
import { chatResult, type DoubleServer, neverEnds, SERVED, says, startDouble } from './testing/doubles.ts'
import { readEvents } from './testing/sse.ts'
import { MAX_UNREAD_BYTES } from './text-stream.ts'

const hello = { model: 'tiny-chat', messages: [{ role: 'user', content: 'hi' }] }
const CHAT_PATH = '/v1/chat/completions'

let server: DoubleServer
beforeEach(async () => {
  server = await startDouble()
})
afterEach(() => server.http.close(0))

/** Resolves once the condition holds; the test's own limit ends a wait in vain. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
}

/** `Promise.withResolvers`, which Node 20 lacks. */
function deferred() {
  let resolve: (value: unknown) => void = () => {}
  const promise = new Promise((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

describe('a stream', () => {
  test('says who serves it and ends with [DONE]', async () => {
    server.serving.served = { ...SERVED, simulated: true, fallback: 'gpu0 lost:\nbus off' }
    const response = await server.post(CHAT_PATH, { ...hello, stream: true })
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'x-tandem-device': 'cpu',
      'x-tandem-engine': 'llama.cpp',
      'x-tandem-fallback': 'gpu0 lost: bus off',
      'x-tandem-simulated': 'true',
    })
    expect((await readEvents(response)).at(-1)).toBe('[DONE]')
  })

  test('without any text still has its role, its finish and its end', async () => {
    server.serving.script = says()
    const events = await readEvents(await server.post(CHAT_PATH, { ...hello, stream: true }))
    expect(events).toHaveLength(3)
  })

  test('that fails before the first text is an HTTP error', async () => {
    server.serving.script = async () => {
      throw new TandemError('QUEUE_FULL', { device: 'cpu', waiting: 9 })
    }
    const response = await server.post(CHAT_PATH, { ...hello, stream: true })
    expect(response.status).toBe(429)
    expect(response.headers.get('retry-after')).toBe('1')
    expect(await response.json()).toMatchObject({ error: { type: 'rate_limit_error', code: 'queue_full' } })
  })

  test('that fails after some text ends with its finish reason and an error event, without [DONE]', async () => {
    server.serving.script = async (_, __, onDelta) => {
      onDelta({ type: 'text', text: 'Hal' })
      throw new TandemError('WORKER_LOST', { worker: 'chat', why: 'killed' })
    }
    const events = await readEvents(await server.post(CHAT_PATH, { ...hello, stream: true }))
    expect(events.at(-1)).toMatchObject({ error: { code: 'worker_lost', type: 'server_error' } })
    expect(events.at(-2)).toMatchObject({ choices: [{ delta: {}, finish_reason: 'error' }] })
    expect(events).not.toContain('[DONE]')
    expect(server.errors).toHaveLength(1)
  })

  test('that goes on elsewhere says so where it did, and at its end', async () => {
    const move = { from: 'llama.cpp on gpu0', to: 'llama.cpp on cpu', why: 'lost', atToken: 1 }
    server.serving.script = async (_, { onMoved }, onDelta) => {
      onDelta({ type: 'text', text: 'Hal' })
      onMoved?.({ ...SERVED, fallback: 'llama.cpp on gpu0 broke off\n\ndata: x' }, move)
      onDelta({ type: 'text', text: 'lo' })
      return chatResult({ text: 'Hallo', continued: [move] })
    }
    const body = { ...hello, stream: true, stream_options: { include_usage: true } }
    const text = await (await server.post(CHAT_PATH, body)).text()
    const parts = text.split('\n\n')
    const at = parts.indexOf(': tandem-fallback llama.cpp on gpu0 broke off data: x')
    expect(parts[at - 1]).toContain('"content":"Hal"')
    expect(parts[at + 1]).toContain('"content":"lo"')
    const last = JSON.parse(parts.at(-3)!.slice('data: '.length))
    expect(last.usage.tandem).toEqual({ continued: [move] })
    expect(last.tandem.continued).toEqual([move])
  })

  test('of a client that leaves is cancelled, and so is an answer that is not streamed', async () => {
    for (const stream of [true, false]) {
      let signal: AbortSignal | undefined
      server.serving.script = (request, context, onDelta) => {
        signal = context.signal
        return neverEnds('x', 5)(request, context, onDelta)
      }
      const client = new AbortController()
      const answer = fetch(server.url + CHAT_PATH, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ...hello, stream }),
        signal: client.signal,
      }).then((response) => response.text())
      answer.catch(() => {})
      await until(() => signal !== undefined)
      expect(signal!.aborted).toBe(false) // reading the body is no reason to stop
      client.abort()
      await until(() => signal!.aborted)
      expect(signal!.reason).toMatchObject({ code: 'CANCELLED' })
      await expect(answer).rejects.toThrow()
    }
    expect(server.errors).toEqual([])
  })

  test('whose reader does not read is bounded and cancelled', async () => {
    let sent = 0
    let signal: AbortSignal | undefined
    server.serving.script = (request, context, onDelta) => {
      signal = context.signal
      return neverEnds('x'.repeat(64 * 1024), 1)(request, context, (delta) => {
        sent += 64 * 1024
        onDelta(delta)
      })
    }
    const body = JSON.stringify({ ...hello, stream: true })
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
    socket.pause()
    socket.write(
      `POST ${CHAT_PATH} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n` +
        `connection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    )
    await until(() => signal?.aborted ?? false)
    expect(signal!.reason).toMatchObject({ code: 'SLOW_READER' })
    expect(sent).toBeGreaterThan(MAX_UNREAD_BYTES)
    const chunks: Buffer[] = []
    socket.on('data', (chunk) => chunks.push(chunk)).resume()
    await new Promise((resolve) => socket.once('close', resolve))
    expect(Buffer.concat(chunks).subarray(-400).toString()).toContain('slow_reader')
  })

  test('takes one write per delta as they come, not at the end', async () => {
    const gate = deferred()
    server.serving.script = async (_, __, onDelta) => {
      onDelta({ type: 'text', text: 'first' })
      await gate.promise
      return chatResult({ text: 'first' })
    }
    const response = await server.post(CHAT_PATH, { ...hello, stream: true })
    const reader = response.body!.getReader()
    const { value } = await reader.read()
    expect(Buffer.from(value!).toString()).toContain('"content":"first"')
    gate.resolve(undefined)
    while (!(await reader.read()).done);
  })
})

test('an answer that is not streamed and went on elsewhere says so in its header and fields', async () => {
  const move = { from: 'llama.cpp on gpu0', to: 'llama.cpp on cpu', why: 'lost', atToken: 1 }
  server.serving.served = { ...SERVED, device: 'gpu0' }
  server.serving.script = async (_, { onMoved }) => {
    onMoved?.({ ...SERVED, fallback: 'llama.cpp on gpu0 broke off' }, move)
    return chatResult({ text: 'Hallo', continued: [move] })
  }
  const response = await server.post(CHAT_PATH, hello)
  expect(response.headers.get('x-tandem-device')).toBe('cpu')
  expect(response.headers.get('x-tandem-fallback')).toBe('llama.cpp on gpu0 broke off')
  expect(await response.json()).toMatchObject({
    tandem: { continued: [move] },
    usage: { tandem: { continued: [move] } },
  })
})

describe('a stream that waits', () => {
  const ON_GPU = { ...SERVED, device: 'gpu0', fallback: 'llama.cpp on gpu1 is lost' }
  const waits = (...said: (Waiting | undefined)[]) => {
    const gate = deferred()
    let asked = 0
    server.serving.queue = async ({ onQueued }) => {
      onQueued?.(() => {
        if (asked >= said.length - 1) gate.resolve(undefined)
        return said[asked++]
      })
      await gate.promise
    }
  }
  const post = () => server.post(CHAT_PATH, { ...hello, stream: true })

  beforeEach(async () => {
    await server.http.close(0)
    server = await startDouble({}, { timing: { keepAliveMs: 10 } })
  })

  test('says what for, with the headers of who is expected', async () => {
    waits(
      { position: 3, expected: SERVED, state: 'busy' },
      { position: 1, expected: SERVED, state: 'starting' },
      { position: 1, expected: SERVED, state: 'starting', loading: { ms: 3400 } },
      { position: 2, expected: SERVED, state: 'starting', loading: { ms: 900, progress: 0.429 } },
      { position: 2, expected: SERVED, state: 'starting', loading: { ms: 900, progress: 1 } },
      { position: 1, expected: SERVED, state: 'restarting' },
      { position: 1, expected: SERVED, state: 'restarting', loading: { ms: 900, progress: 0.5 } },
      { position: 0, expected: SERVED, state: 'busy' },
    )
    const response = await post()
    expect(response.status).toBe(200)
    expect(response.headers.get('x-tandem-device')).toBe('cpu')
    const text = await response.text()
    const comments = text.split('\n\n').filter((event) => event.startsWith(': '))
    expect(comments.slice(0, 8)).toEqual([
      ': waiting, position 3',
      ': loading tiny-chat on cpu, position 1',
      ': loading tiny-chat on cpu for 3 s, position 1',
      ': loading tiny-chat on cpu, 42 %, position 2',
      ': loading tiny-chat on cpu, in memory, first answer awaited, position 2',
      ': waiting, position 1; llama.cpp on cpu is restarting',
      ': waiting, position 1; llama.cpp on cpu is restarting, 50 %',
      ': llama.cpp on cpu works on it',
    ])
    expect(text).toContain('"content":"Hel"')
    expect(text).not.toContain('served_by')
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true)
  })

  test('and is served by another says so in a comment and at its end', async () => {
    waits({ position: 1, expected: ON_GPU, state: 'starting' })
    server.serving.served = { ...SERVED, fallback: ON_GPU.fallback }
    const response = await post()
    expect(response.headers.get('x-tandem-device')).toBe('gpu0')
    const text = await response.text()
    expect(text).toContain('\n\n: served by llama.cpp on cpu (llama.cpp on gpu1 is lost)\n\n')
    const last = text.split('\n\n').findLast((event) => event.includes('"choices"'))!
    expect(JSON.parse(last.slice('data: '.length))).toMatchObject({
      tandem: { served_by: { device: 'cpu', fallback: ON_GPU.fallback } },
    })
  })

  test('and then fails ends with an error event', async () => {
    waits({ position: 1, expected: SERVED, state: 'starting' })
    server.serving.script = async () => {
      throw new TandemError('DEADLINE', { ms: 60_000 })
    }
    const response = await post()
    expect(response.status).toBe(200)
    expect((await readEvents(response)).at(-1)).toMatchObject({ error: { code: 'deadline' } })
  })

  test('for nobody who is known has no head yet: its error is an HTTP error', async () => {
    waits(undefined, undefined, undefined)
    server.serving.script = async () => {
      throw new TandemError('TASK_UNSERVED', { task: 'chat' })
    }
    expect((await post()).status).toBe(503)
  })

  test('in the middle of its text says that it is still there', async () => {
    const gate = deferred()
    server.serving.script = async (_, __, onDelta) => {
      onDelta({ type: 'text', text: 'first' })
      await gate.promise
      return chatResult({ text: 'first' })
    }
    const response = await post()
    let text = ''
    for await (const bytes of response.body!) {
      text += Buffer.from(bytes as Uint8Array).toString()
      if (text.includes(': still here\n\n')) gate.resolve(undefined)
    }
    expect(text.indexOf(': still here')).toBeGreaterThan(text.indexOf('first'))
    expect(text).toContain('[DONE]')
  })
})

describe('shutdown', () => {
  test('running answers finish within the grace, new ones are refused', async () => {
    const gate = deferred()
    server.serving.script = async () => {
      await gate.promise
      return chatResult({ text: 'done' })
    }
    const running = server.post(CHAT_PATH, hello)
    await until(() => server.serving.chats.length === 1)
    const closed = server.http.close(10_000)
    await expect(server.post(CHAT_PATH, hello)).rejects.toThrow()
    gate.resolve(undefined)
    expect((await running).status).toBe(200)
    await closed
  })

  test('a request that was on its way gets 503, and its connection ends', async () => {
    const gate = deferred()
    server.serving.script = async () => {
      await gate.promise
      return chatResult()
    }
    const running = server.post(CHAT_PATH, hello)
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
    let answer = ''
    socket.on('data', (chunk) => {
      answer += chunk
    })
    await new Promise<void>((resolve) => socket.write('GET /health HTTP/1.1\r\nho', () => resolve()))
    await until(() => server.serving.chats.length === 1)
    const closed = server.http.close(10_000)
    socket.write('st: localhost\r\n\r\n')
    await until(() => socket.destroyed)
    expect(answer).toMatch(/^HTTP\/1\.1 503 /)
    expect(answer).toContain('"code":"shutting_down"')
    gate.resolve(undefined)
    expect((await running).status).toBe(200)
    await closed
  })

  test('a stream past the grace ends with an error event', async () => {
    server.serving.script = neverEnds('x', 5)
    const response = await server.post(CHAT_PATH, { ...hello, stream: true })
    await server.http.close(20)
    expect((await readEvents(response)).at(-1)).toMatchObject({ error: { code: 'shutting_down' } })
  })

  test('an answer past the grace gets 503', async () => {
    server.serving.script = neverEnds('x', 5)
    const running = server.post(CHAT_PATH, hello)
    await until(() => server.serving.chats.length === 1)
    await server.http.close(20)
    expect((await running).status).toBe(503)
  })
})
