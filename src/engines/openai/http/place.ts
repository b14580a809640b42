import { portOf } from './port-of.ts'

/** What an address says, in the parts that a request takes. */
export interface Place {
  readonly protocol: string
  /** As the header wants it. */
  readonly host: string
  /** Without brackets. */
  readonly hostname: string
  readonly port: number
  /** Without a slash at its end. */
  readonly path: string
  /** Of a name and a password in the address. */
  readonly authorization: string | undefined
}

export function placeOf(url: string): Place {
  const { protocol, host, hostname, pathname, username, password } = new URL(url)
  const login = [username, password].map(decodeURIComponent).join(':')
  return {
    protocol,
    host,
    hostname: hostname.replace(/^\[|\]$/g, ''),
    port: portOf(url),
    path: pathname.replace(/\/$/, ''),
    authorization: username === '' ? undefined : `Basic ${Buffer.from(login).toString('base64')}`,
  }
}
