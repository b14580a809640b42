/** Who may talk to this server: Host (against DNS rebinding), Origin, API key. Pure functions over headers. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { TandemError } from '../domain/index.ts'

export interface AccessRules {
  /** Address that the server listens on. */
  readonly host: string
  readonly allowedHosts: readonly string[]
  readonly allowedOrigins: readonly string[]
  readonly apiKey: string | undefined
}

const LOOPBACK_NAMES = ['127.0.0.1', 'localhost', '[::1]']

/** `name[:port]` in lower case, an IPv6 address in brackets; undefined when it is none. */
function splitHost(header: string): { name: string; port: string } | undefined {
  const found = /^(\[[0-9a-f:.]+\]|[^\s:/\\?#@[\]]+)(?::(\d{1,5}))?$/i.exec(header)
  return found ? { name: found[1]!.toLowerCase(), port: found[2] ?? '' } : undefined
}

const bracketed = (address: string) => {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '')
  return plain.includes(':') && !plain.startsWith('[') ? `[${plain}]` : plain
}

/**
 * A page of a foreign name that resolves to this machine sends that name as Host.
 * @param connection `localAddress` is the address that it came to: safe, as rebinding needs a name; read only where it is needed,
 * for it costs a system call
 * @throws TandemError FORBIDDEN_HOST
 */
export function checkHost(
  rules: AccessRules,
  header: string | undefined,
  connection: { readonly localAddress?: string | undefined },
): void {
  const host = splitHost(header ?? '')
  const names = [...LOOPBACK_NAMES, bracketed(rules.host.toLowerCase())]
  if (host) {
    if (names.includes(host.name)) return
    const { localAddress } = connection
    if (localAddress && host.name === bracketed(localAddress.toLowerCase())) return
    for (const allowed of rules.allowedHosts) {
      const entry = splitHost(allowed)
      if (entry && entry.name === host.name && (entry.port === '' || entry.port === host.port)) return
    }
  }
  const allowed = [...new Set([...names, ...rules.allowedHosts])].join(', ')
  throw new TandemError('FORBIDDEN_HOST', { host: (header ?? '').slice(0, 200), allowed })
}

/**
 * @returns whether CORS headers are due: an allowed origin asked
 * @throws TandemError FORBIDDEN_ORIGIN
 */
export function checkOrigin(rules: AccessRules, origin: string | undefined, host: string): boolean {
  if (origin === undefined) return false
  const asked = origin.toLowerCase()
  // The page came from this very server: its Host was checked before.
  if (asked === `http://${host.toLowerCase()}` || asked === `https://${host.toLowerCase()}`) return true
  const allowed = rules.allowedOrigins.map((entry) => entry.toLowerCase().replace(/\/$/, ''))
  if (allowed.includes(asked) || allowed.includes('*')) return true
  throw new TandemError('FORBIDDEN_ORIGIN', { origin: origin.slice(0, 200) })
}

const digest = (text: string) => createHash('sha256').update(text).digest()

/**
 * Any key is fine where none is configured. Digests are compared, so the time taken tells nothing of the key.
 * @throws TandemError UNAUTHORIZED
 */
export function checkKey(
  rules: AccessRules,
  authorization: string | undefined,
  xApiKey: string | undefined,
): void {
  if (rules.apiKey === undefined) return
  const expected = digest(rules.apiKey)
  const bearer = /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1]
  for (const sent of [bearer, xApiKey])
    if (sent !== undefined && timingSafeEqual(digest(sent), expected)) return
  throw new TandemError('UNAUTHORIZED')
}
