import type { TandemError } from '../../../domain/index.ts'

const TYPES: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  504: 'timeout_error',
}

/** An error in the form of Anthropic's API; the type follows the status, as it does there. */
export function anthropicError(error: TandemError) {
  const { status, message, code } = error
  const type = TYPES[status] ?? (status < 500 ? 'invalid_request_error' : 'api_error')
  return { type: 'error', error: { type, message, code: code.toLowerCase() } }
}
