/** What one row of the table is, and short ways to write it. */

/** The server under test runs with these. */
export const LIMITS = { maxBodyBytes: 256 * 1024, maxInputs: 100 }

export const CHAT = '/v1/chat/completions'
export const EMBED = '/v1/embeddings'
export const CHAT_MODEL = 'tandem-tiny-chat'
export const RERANK_MODEL = 'tiny-reranker'
export const CLASSIFY_MODEL = 'tiny-classifier'
export const EMBED_MODEL = 'tandem-embed-small'

export interface BadRequest {
  readonly name: string
  readonly method: 'GET' | 'POST' | 'DELETE' | 'OPTIONS'
  readonly path: string
  /** An empty value leaves the header out. */
  readonly headers?: Readonly<Record<string, string>>
  /** An object is sent as JSON, text and bytes as they are. */
  readonly body?: unknown
  /** Bytes of a whole request, instead of all the above. */
  readonly raw?: string | Buffer
  readonly status: number
  readonly message: RegExp
  /** Absent: not looked at. */
  readonly param?: string
}

type More = Partial<Pick<BadRequest, 'status' | 'param' | 'headers'>>

/** 400 where `more` says nothing else. */
const row =
  (method: BadRequest['method']) =>
  (name: string, path: string, message: RegExp, more: More = {}): BadRequest => ({
    name,
    method,
    path,
    message,
    status: 400,
    ...more,
  })

export const get = row('GET')
export const remove = row('DELETE')
export const preflight = row('OPTIONS')

export function post(
  name: string,
  path: string,
  body: unknown,
  message: RegExp,
  more: More = {},
): BadRequest {
  return { ...row('POST')(name, path, message, more), body }
}

export function raw(name: string, bytes: string | Buffer, message: RegExp, status = 400): BadRequest {
  return { ...row('POST')(name, '', message, { status }), raw: bytes }
}

/** A POST that would be right but for `fields`. */
const almost =
  (path: string, right: object) =>
  (name: string, fields: object, message: RegExp, more: More = {}) =>
    post(name, path, { ...right, ...fields }, message, more)

export const chat = almost(CHAT, { model: CHAT_MODEL, messages: [{ role: 'user', content: 'hi' }] })
export const embed = almost(EMBED, { model: EMBED_MODEL, input: 'a' })
export const complete = almost('/v1/completions', { model: CHAT_MODEL, prompt: 'a' })
export const rerank = almost('/v1/rerank', { model: RERANK_MODEL, query: 'a', documents: ['b'] })
export const classify = almost('/tandem/v1/classify', { model: CLASSIFY_MODEL, input: 'a' })
export const respond = almost('/v1/responses', { model: CHAT_MODEL, input: 'a' })
export const message = almost('/v1/messages', {
  model: CHAT_MODEL,
  max_tokens: 9,
  messages: [{ role: 'user', content: 'a' }],
})
