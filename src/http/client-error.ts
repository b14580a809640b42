/** Bytes that never became a request: answered by hand on the socket, in the usual form. */
import type { Socket } from 'node:net'
import { TandemError } from '../domain/index.ts'
import { errorBody } from './errors.ts'

interface SocketError extends Error {
  readonly code?: string
}

function toTandemError({ code, message }: SocketError, requestTimeoutMs: number): TandemError {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new TandemError('REQUEST_TIMEOUT', { ms: requestTimeoutMs })
    case 'HPE_HEADER_OVERFLOW':
      return new TandemError('HEADERS_TOO_LARGE')
    default:
      return new TandemError('INVALID_REQUEST', { what: `this is not HTTP/1.1: ${message}` })
  }
}

const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
}

export function clientErrorHandler(requestTimeoutMs: number) {
  return (thrown: SocketError, socket: Socket): void => {
    if (thrown.code === 'ECONNRESET' || socket.destroyed) return
    const error = toTandemError(thrown, requestTimeoutMs)
    const body = JSON.stringify(errorBody(error))
    // An answer may be under way on this connection: bytes put into it would be read as its text.
    const answering = (socket as Socket & { _httpMessage?: { headersSent: boolean } })._httpMessage
    if (socket.writable && !answering?.headersSent)
      socket.write(
        `HTTP/1.1 ${error.status} ${REASONS[error.status]}\r\ncontent-type: application/json; charset=utf-8\r\n` +
          `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
      )
    socket.destroySoon()
  }
}
