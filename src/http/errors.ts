/** Whatever was thrown, as OpenAI's clients expect it: `{"error":{"message","type","param","code"}}`. */
import type { FastifyError, FastifyRequest } from 'fastify'
import { asTandemError, type ErrorCode, TandemError } from '../domain/index.ts'
import type { HttpLog } from './deps.ts'

export interface ErrorBody {
  readonly error: {
    readonly message: string
    readonly type: string
    readonly param: string | null
    readonly code: string
  }
}

export function errorBody(error: TandemError): ErrorBody {
  return {
    error: {
      message: error.message,
      type: error.type,
      param: error.param ?? null,
      code: error.code.toLowerCase(),
    },
  }
}

const RETRY_STATUSES = [429, 503, 504]

export function errorHeaders(error: TandemError): Record<string, string> {
  const headers: Record<string, string> = {}
  if (RETRY_STATUSES.includes(error.status)) headers['retry-after'] = String(error.retryAfterS ?? 1)
  if (error.status === 401) headers['www-authenticate'] = 'Bearer'
  if (error.code === 'METHOD_NOT_ALLOWED') headers['allow'] = String(error.details['allowed'])
  return headers
}

/** Fastify's own errors in our words; anything unknown is INTERNAL. */
export function fromFastify(thrown: unknown, bodyLimit = 0): TandemError {
  if (thrown instanceof TandemError) return thrown
  const { code, message, statusCode } = thrown as Partial<FastifyError>
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new TandemError('BODY_TOO_LARGE', { limit: bodyLimit })
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new TandemError('UNSUPPORTED_MEDIA_TYPE')
    case 'FST_ERR_BAD_URL':
      return new TandemError('INVALID_REQUEST', { what: 'the address is not valid: a wrong % escape' })
  }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return new TandemError('INVALID_REQUEST', { what: message ?? 'the request cannot be read' })
  return asTandemError(thrown)
}

/** A server that starts or ends says so to every client: nobody needs to look into it. */
const EXPECTED: readonly ErrorCode[] = ['STARTING', 'SHUTTING_DOWN']
/** Told apart from a defect of our own: where it was thrown says nothing. */
const WITHOUT_STACK: readonly ErrorCode[] = ['WORKER_LOST', 'TASK_UNSERVED', 'DEADLINE', 'SLOW_READER']

/** Our own failures are for the log too; a client's mistakes are the client's to read. */
export function logFailure(log: HttpLog, request: FastifyRequest, error: TandemError): void {
  const { code, status, message } = error
  const details = { code, method: request.method, path: request.url.split('?', 1)[0] }
  if (status < 500 || EXPECTED.includes(code)) log.debug(details, message)
  else if (WITHOUT_STACK.includes(code)) log.warn(details, message)
  else log.error({ ...details, err: error }, message)
}
