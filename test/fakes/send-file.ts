/** A file over HTTP, whole or in ranges, and what can go wrong with it. */
import type { IncomingMessage, ServerResponse } from 'node:http'

/** What goes wrong with one request; `undefined`: nothing. */
export type Fault =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  /** The connection breaks after so many bytes of the body. */
  | { readonly cutAfter: number }
  /** The first byte of the body is another one. */
  | 'flip'
  /** The whole file, whatever range was asked for. */
  | 'ignoreRange'
  /** The connection stays open after so many bytes, until the test ends it. */
  | { readonly hangAfter: number }

/** @returns the bytes of the body that were sent */
export function sendFile(
  response: ServerResponse,
  request: IncomingMessage,
  whole: Buffer,
  fault: Fault | undefined,
): number {
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? []
  const part = first !== undefined && fault !== 'ignoreRange'
  const start = part ? Number(first) : 0
  const end = part ? Math.min(Number(last) + 1, whole.length) : whole.length
  let body = whole.subarray(start, end)
  if (fault === 'flip') {
    body = Buffer.from(body)
    body[0] = (body[0] ?? 0) ^ 0xff
  }
  const headers = { 'content-length': String(body.length) }
  if (part)
    response.writeHead(206, { ...headers, 'content-range': `bytes ${start}-${end - 1}/${whole.length}` })
  else response.writeHead(200, headers)
  const limit = typeof fault !== 'object' ? undefined : 'cutAfter' in fault ? fault.cutAfter : undefined
  const hang = typeof fault === 'object' && 'hangAfter' in fault ? fault.hangAfter : undefined
  const sent = body.subarray(0, limit ?? hang)
  if (hang !== undefined) response.write(sent)
  else if (limit !== undefined) response.write(sent, () => setImmediate(() => response.destroy()))
  else response.end(sent)
  return sent.length
}
