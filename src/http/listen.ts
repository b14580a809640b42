/** Taking the port, or saying who has it. */
import { isLoopback } from '../config/index.ts'
import { type Details, TandemError } from '../domain/index.ts'

const PROBE_MS = 1_000

/** An IPv6 address without its brackets. */
export const bareHost = (host: string): string => host.replace(/^\[|\]$/g, '')

/** Address under which this machine reaches a server that listens on `host`. */
export function serverUrl(host: string, port: number): string {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  const bare = bareHost(reachable)
  return `http://${bare.includes(':') ? `[${bare}]` : bare}:${port}`
}

/** @throws TandemError CONFIG_INVALID: another address than loopback without an API key */
export function checkExposure(host: string, apiKey: string | undefined): void {
  if (isLoopback(host) || apiKey !== undefined) return
  throw new TandemError('CONFIG_INVALID', {
    where: 'server.host',
    what: `${host} lets other machines in, which needs server.apiKey; or listen on 127.0.0.1`,
  })
}

/** Another Tandem names itself in its headers; whatever else answers is not ours to name. */
export async function holderOf(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(PROBE_MS) })
    await response.body?.cancel()
    const name = response.headers.get('server') ?? ''
    return /^tandem\//.test(name) ? `another Tandem server (${name.slice(0, 40)})` : 'another program'
  } catch {
    return undefined // it holds the port and speaks no HTTP: nothing to add
  }
}

/** What `listen` threw, in our words. */
export async function listenError(thrown: unknown, host: string, port: number): Promise<TandemError> {
  const { code, message } = thrown as NodeJS.ErrnoException
  if (code === 'EADDRINUSE') {
    const by = await holderOf(serverUrl(host, port))
    const details: Details = { host, port, ...(by ? { by } : {}) }
    return new TandemError('PORT_TAKEN', details, { cause: thrown })
  }
  const where = code === 'EACCES' ? 'server.port' : 'server.host'
  const what =
    code === 'EACCES' ? `port ${port} needs rights that this user lacks; use one from 1024` : message
  return new TandemError('CONFIG_INVALID', { where, what }, { cause: thrown })
}
