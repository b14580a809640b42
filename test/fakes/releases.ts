/** A list of releases on this machine, in the form of GitHub's API (docs.github.com/rest/releases), its files, and faults. */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Fault, sendFile } from './send-file.ts'

export interface FakeRelease {
  readonly tag: string
  /** By name. */
  readonly assets: Readonly<Record<string, Buffer>>
  readonly prerelease?: boolean
}

export class FakeReleases {
  readonly seen: string[] = []
  /** Asked for each request by its path. */
  fault: (path: string) => Fault | undefined = () => undefined
  /** What the list says of a file's content. */
  digestOf: (content: Buffer) => string | null = (content) =>
    `sha256:${createHash('sha256').update(content).digest('hex')}`
  /** Files are named beside the list instead of by their whole address. */
  relative = false
  /** Body bytes that were sent of files. */
  sentBytes = 0
  releases: readonly FakeRelease[]
  readonly #server: Server
  #port = 0

  /** @param releases the newest first */
  constructor(releases: readonly FakeRelease[]) {
    this.releases = releases
    this.#server = createServer((request, response) => this.#handle(request, response))
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    this.#port = (this.#server.address() as AddressInfo).port
    return this
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  /** Of the list; nothing listens there once it is closed. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}/repos/ggml-org/llama.cpp/releases`
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const { pathname } = new URL(request.url ?? '/', 'http://releases')
    const path = decodeURIComponent(pathname).replace('/repos/ggml-org/llama.cpp/releases', '')
    this.seen.push(path)
    const fault = this.fault(path)
    if (typeof fault === 'object' && 'status' in fault) {
      response.writeHead(fault.status, { 'content-length': '0', ...fault.headers }).end()
      return
    }
    const [, tag] = /^\/tags\/(.+)$/.exec(path) ?? []
    const [, release, name] = /^\/download\/([^/]+)\/(.+)$/.exec(path) ?? []
    const content = this.releases.find((each) => each.tag === release)?.assets[name ?? '']
    const one = this.releases.find((each) => each.tag === tag)
    if (path === '')
      json(
        response,
        this.releases.map((each) => this.#document(each)),
      )
    else if (one) json(response, this.#document(one))
    else if (content) this.sentBytes += sendFile(response, request, content, fault)
    else response.writeHead(404).end('{"message":"Not Found"}')
  }

  #document({ tag, assets, prerelease = false }: FakeRelease): object {
    return {
      tag_name: tag,
      draft: false,
      prerelease,
      assets: Object.entries(assets).map(([name, content]) => ({
        name,
        state: 'uploaded',
        size: content.length,
        digest: this.digestOf(content),
        browser_download_url: `${this.relative ? '' : `${this.url}/`}download/${tag}/${name}`,
      })),
    }
  }
}

function json(response: ServerResponse, document: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document))
}
