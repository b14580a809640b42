/** Requests as a client sends them, and streams read to whatever end they have. */
import { setTimeout as sleep } from 'node:timers/promises'
import { post } from '../support/api.ts'

/** Milliseconds; a request that takes longer counts as never answered. */
const NEVER_MS = 300_000

interface ApiError {
  readonly message?: string
  readonly code?: string
  readonly type?: string
}

export interface Answer {
  /** 0: no HTTP answer came. */
  readonly status: number
  readonly retryAfter: string | null
  readonly body: unknown
  readonly error: ApiError | undefined
}

export async function ask(
  server: { url: string },
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  try {
    const response = await within(NEVER_MS, post(server, path, body, headers))
    const given = (await within(NEVER_MS, response.json())) as { error?: ApiError }
    return {
      status: response.status,
      retryAfter: response.headers.get('retry-after'),
      body: given,
      error: given.error,
    }
  } catch (thrown) {
    return { status: 0, retryAfter: null, body: undefined, error: { message: reason(thrown) } }
  }
}

/** Sends a request and leaves before or while it is answered. */
export async function leave(
  server: { url: string },
  path: string,
  body: unknown,
  afterMs: number,
): Promise<void> {
  try {
    const response = await fetch(`${server.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(afterMs),
    })
    await response.arrayBuffer()
  } catch {
    // it left, which is what it came for
  }
}

export interface StreamEnd {
  readonly status: number
  readonly retryAfter: string | null
  readonly text: string
  readonly finishReason: string | undefined
  readonly error: ApiError | undefined
  readonly done: boolean
  /** Why the connection broke; undefined where it was closed in order. */
  readonly broken: string | undefined
  /** SSE comments that tell of a move to another worker. */
  readonly moves: number
}

export interface Reading {
  /** Milliseconds between two reads. */
  readonly pauseMs?: number
  /** Leaves when it has this much text. */
  readonly leaveAtChars?: number
  readonly onText?: (text: string) => void
}

export async function readChat(
  server: { url: string },
  body: Record<string, unknown>,
  { pauseMs = 0, leaveAtChars = Number.POSITIVE_INFINITY, onText }: Reading = {},
): Promise<StreamEnd> {
  let [text, done, moves, rest] = ['', false, 0, '']
  let finishReason: string | undefined
  let error: ApiError | undefined
  let [status, retryAfter]: [number, string | null] = [0, null]
  const end = (broken?: string): StreamEnd => ({
    status,
    retryAfter,
    text,
    finishReason,
    error,
    done,
    broken,
    moves,
  })
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(new Error(`no end within ${NEVER_MS} ms`)), NEVER_MS)
  try {
    const response = await fetch(`${server.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...body, stream: true }),
      signal: controller.signal,
    })
    status = response.status
    retryAfter = response.headers.get('retry-after')
    if (status !== 200) {
      error = ((await response.json()) as { error?: ApiError }).error
      return end()
    }
    const decoder = new TextDecoder()
    for await (const bytes of response.body!) {
      rest += decoder.decode(bytes as Uint8Array, { stream: true })
      const lines = rest.split('\n')
      rest = lines.pop()!
      for (const line of lines) {
        if (line.startsWith(': tandem-fallback')) moves += 1
        if (!line.startsWith('data: ')) continue
        const data = line.slice('data: '.length)
        if (data === '[DONE]') done = true
        else {
          const event = JSON.parse(data)
          error = event.error ?? error
          text += event.choices?.[0]?.delta?.content ?? ''
          finishReason = event.choices?.[0]?.finish_reason ?? finishReason
        }
      }
      onText?.(text)
      if (text.length >= leaveAtChars) {
        controller.abort()
        return end()
      }
      if (pauseMs > 0) await sleep(pauseMs)
    }
    return end()
  } catch (thrown) {
    return end(reason(thrown))
  } finally {
    clearTimeout(timer)
  }
}

export function reason(thrown: unknown): string {
  const { message, cause } = thrown as Error
  return cause instanceof Error ? `${message}: ${cause.message}` : message
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}
