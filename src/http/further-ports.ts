/** Ports beside the main one: their connections go to the same server, with all its limits. */
import type { Server as HttpServer } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import type { Config } from '../config/index.ts'
import { bareHost, holderOf, serverUrl } from './listen.ts'

/** Programs are written for this one, whatever the server's host is. */
const LOOPBACK = '127.0.0.1'

export interface Address {
  readonly host: string
  readonly port: number
  /** The setting that asks for it. */
  readonly setting: string
}

/**
 * What the settings ask for beside the main port, each port once.
 * @param mainPort the one that is listened on already
 */
export function furtherAddresses(
  { host, alsoListen, compat }: Pick<Config['server'], 'host' | 'alsoListen' | 'compat'>,
  mainPort: number,
): Address[] {
  const wanted = alsoListen.map((port) => ({ host, port, setting: 'server.alsoListen' }))
  if (compat.embedPort !== undefined)
    wanted.push({ host: LOOPBACK, port: compat.embedPort, setting: 'server.compat.embedPort' })
  const ports = wanted.map(({ port }) => port)
  return wanted.filter(({ port }, at) => port === 0 || (port !== mainPort && ports.indexOf(port) === at))
}

export class FurtherPorts {
  readonly #server: HttpServer
  readonly #listeners: Server[] = []

  /** @param server takes every connection; closing it ends them */
  constructor(server: HttpServer) {
    this.#server = server
  }

  /** A port that cannot be had is told and left out: who takes another's place must not fail while that one runs. */
  async listen(addresses: readonly Address[]): Promise<{ alsoAt: string[]; problems: string[] }> {
    const alsoAt: string[] = []
    const problems: string[] = []
    for (const address of addresses) {
      try {
        alsoAt.push(serverUrl(address.host, await this.#listen(address)))
      } catch (thrown) {
        problems.push(await problemText(address, thrown as NodeJS.ErrnoException))
      }
    }
    return { alsoAt, problems }
  }

  /** Takes no new connections. */
  close(): void {
    for (const listener of this.#listeners.splice(0)) listener.close()
  }

  #listen({ host, port }: Address): Promise<number> {
    // as an HTTP server of Node's own makes its connections
    const listener = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      this.#server.emit('connection', socket)
    })
    listener.maxConnections = this.#server.maxConnections
    return new Promise((resolve, reject) => {
      listener.once('error', reject)
      listener.listen({ host: bareHost(host), port }, () => {
        this.#listeners.push(listener)
        resolve((listener.address() as AddressInfo).port)
      })
    })
  }
}

async function problemText({ host, port, setting }: Address, { code, message }: NodeJS.ErrnoException) {
  const here = `port ${port} on ${host}`
  if (code === 'EACCES')
    return `${here} needs rights that this user lacks, so Tandem does not answer there (${setting})`
  if (code !== 'EADDRINUSE') return `${here} cannot be used: ${message} (${setting})`
  const by = await holderOf(serverUrl(host, port))
  return `${here} is taken${by ? ` by ${by}` : ''}, so Tandem does not answer there; end that program and start Tandem again, or take the port out of ${setting}`
}
