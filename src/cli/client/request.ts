import type { z } from 'zod'
import { CommandError, ServerRefusal } from '../failure.ts'
import { ErrorDocument } from './documents.ts'

export interface Server {
  /** `http://127.0.0.1:8420` */
  readonly url: string
  readonly apiKey?: string
  /** Ends whatever is under way. */
  readonly signal: AbortSignal
}

interface RequestOptions {
  readonly method?: 'GET' | 'POST' | 'DELETE'
  readonly body?: unknown
  /** Milliseconds until the answer's head. */
  readonly timeoutMs: number
}

/**
 * Sends a request and gives the answer whose status is 2xx.
 * @throws ServerRefusal with the server's own words; CommandError when the server is gone or too slow
 */
export async function send(server: Server, path: string, options: RequestOptions): Promise<Response> {
  const { method = 'GET', body, timeoutMs } = options
  const late = new AbortController() // not AbortSignal.timeout: a streamed answer may take longer than its head
  const timer = setTimeout(() => late.abort(), timeoutMs)
  let response: Response
  try {
    response = await fetch(`${server.url}${path}`, {
      method,
      signal: AbortSignal.any([server.signal, late.signal]),
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(server.apiKey === undefined ? {} : { authorization: `Bearer ${server.apiKey}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  } catch (thrown) {
    server.signal.throwIfAborted()
    if (late.signal.aborted)
      throw new CommandError(
        `the server at ${server.url} did not answer ${path} within ${timeoutMs / 1000} s`,
        '`tandem status` shows what it is doing',
      )
    throw gone(server, thrown)
  } finally {
    clearTimeout(timer)
  }
  if (!response.ok) throw await refusal(server, path, response)
  return response
}

/** The same for a JSON document of a known shape. */
export async function sendJson<T extends z.ZodType>(
  server: Server,
  path: string,
  shape: T,
  options: RequestOptions,
): Promise<{ document: z.infer<T>; headers: Headers; status: number }> {
  const response = await send(server, path, options)
  let parsed: unknown
  try {
    parsed = await response.json()
  } catch (thrown) {
    server.signal.throwIfAborted()
    throw thrown instanceof SyntaxError ? strange(server, path, 'no JSON') : gone(server, thrown)
  }
  const checked = shape.safeParse(parsed)
  if (!checked.success) {
    const issue = checked.error.issues[0]
    throw strange(server, path, `${issue?.path.join('.')}: ${issue?.message}`)
  }
  return { document: checked.data, headers: response.headers, status: response.status }
}

/** The connection was refused or broke. */
export function gone(server: Server, thrown: unknown): CommandError {
  const cause = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown
  const code = (cause as NodeJS.ErrnoException).code ?? (cause as Error).message
  return new CommandError(
    `the connection to the server at ${server.url} failed (${code})`,
    'it may have stopped: `tandem status` shows whether one runs',
    { cause: thrown },
  )
}

function strange(server: Server, path: string, what: string): CommandError {
  return new CommandError(
    `${server.url}${path} answered something that a Tandem server does not (${what})`,
    'is another program on this port? `tandem doctor` says who holds it',
  )
}

async function refusal(server: Server, path: string, response: Response): Promise<Error> {
  const text = await response.text().catch(() => '')
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    return strange(server, path, `status ${response.status} without a reason`)
  }
  const checked = ErrorDocument.safeParse(body)
  if (!checked.success) return strange(server, path, `status ${response.status} without a reason`)
  const { message, code } = checked.data.error
  return new ServerRefusal(response.status, code ?? '', message)
}
