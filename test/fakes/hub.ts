/** A model hub on this machine: the paths of Hugging Face's interface, its storage on another origin, and faults. */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Fault, sendFile } from './send-file.ts'

export interface FakeRepository {
  /** By path. */
  readonly files: Readonly<Record<string, Buffer | string>>
  readonly license?: string
  readonly gated?: boolean
  readonly pipelineTag?: string
  /** Files of at least so many bytes are stored as large ones, with a SHA-256 in the tree. */
  readonly lfsBytes?: number
}

export interface Seen {
  readonly origin: 'hub' | 'storage'
  readonly path: string
  readonly range: string | undefined
  readonly token: string | undefined
}

export class FakeHub {
  readonly seen: Seen[] = []
  /** Asked for each request. */
  fault: (request: Seen) => Fault | undefined = () => undefined
  token: string | undefined
  pageSize = 1000
  /** Put into the tree as the size of large files. */
  hugeBytes: number | undefined
  /** Body bytes that were sent of files. */
  sentBytes = 0
  readonly #repositories: Record<string, FakeRepository>
  readonly #hub: Server
  readonly #storage: Server

  constructor(repositories: Readonly<Record<string, FakeRepository>>) {
    this.#repositories = { ...repositories }
    this.#hub = createServer((request, response) => this.#handle('hub', request, response))
    this.#storage = createServer((request, response) => this.#handle('storage', request, response))
  }

  async listen(): Promise<this> {
    for (const server of [this.#hub, this.#storage])
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return this
  }

  async close(): Promise<void> {
    for (const server of [this.#hub, this.#storage]) {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#hub.address() as AddressInfo).port}`
  }

  put(name: string, repository: FakeRepository): void {
    this.#repositories[name] = repository
  }

  /** The commit of a repository: it changes with the files. */
  shaOf(name: string): string {
    const { files } = this.#repositories[name]!
    const hash = createHash('sha1')
    for (const [path, content] of Object.entries(files)) hash.update(path).update(content)
    return hash.digest('hex')
  }

  /** Requests for the content of a file, at either origin. */
  fetches(path: string): Seen[] {
    return this.seen.filter((each) => each.path.endsWith(`/${path}`))
  }

  #handle(origin: Seen['origin'], request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', 'http://hub')
    const token = request.headers.authorization?.replace(/^Bearer /, '')
    const seen = { origin, path: decodeURIComponent(url.pathname), range: request.headers.range, token }
    this.seen.push(seen)
    const fault = this.fault(seen)
    if (typeof fault === 'object' && 'status' in fault) {
      response.writeHead(fault.status, { 'content-length': '0', ...fault.headers }).end()
      return
    }
    const api = /^\/api\/models\/([^/]+\/[^/]+)\/(revision|tree)\/(.+)$/.exec(seen.path)
    const file = /^\/(?:stored\/)?([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(seen.path)
    const [, name = '', kind, revision = ''] = api ?? []
    if (origin === 'hub' && api) this.#describe(response, name, kind ?? '', revision, url)
    else if (file) this.#serve(origin, response, request, file[1]!, file[3]!, fault)
    else response.writeHead(404).end()
  }

  #describe(response: ServerResponse, name: string, kind: string, revision: string, url: URL): void {
    const repository = this.#repositories[name]
    if (!repository) {
      response
        .writeHead(401, { 'x-error-code': 'RepoNotFound' })
        .end('{"error":"Invalid username or password."}')
      return
    }
    const sha = this.shaOf(name)
    if (revision !== 'main' && revision !== sha) {
      response.writeHead(404, { 'x-error-code': 'RevisionNotFound' }).end()
      return
    }
    if (kind === 'revision') {
      const { license, gated = false, pipelineTag } = repository
      const siblings = Object.keys(repository.files).map((path) => ({ rfilename: path }))
      json(response, {
        sha,
        gated: gated ? 'auto' : false,
        siblings,
        cardData: { license },
        pipeline_tag: pipelineTag,
      })
      return
    }
    const entries = Object.entries(repository.files).map(([path, content]) =>
      entryOf(path, content, repository, this.hugeBytes),
    )
    const from = Number(url.searchParams.get('cursor') ?? 0)
    const more = from + this.pageSize < entries.length
    const next = `https://mirrored.example${url.pathname}?recursive=true&cursor=${from + this.pageSize}`
    const folders = from === 0 ? [{ type: 'directory', path: 'onnx', oid: 'f'.repeat(40), size: 0 }] : []
    const page = [...folders, ...entries.slice(from, from + this.pageSize)]
    json(response, page, more ? { link: `<${next}>; rel="next"` } : {})
  }

  #serve(
    origin: Seen['origin'],
    response: ServerResponse,
    request: IncomingMessage,
    name: string,
    path: string,
    fault: Fault | undefined,
  ): void {
    const repository = this.#repositories[name]
    const found = repository?.files[path]
    if (repository?.gated && origin === 'hub' && request.headers.authorization !== `Bearer ${this.token}`) {
      response.writeHead(403, { 'x-error-code': 'GatedRepo' }).end()
      return
    }
    if (!repository || found === undefined) {
      response.writeHead(404, { 'x-error-code': 'EntryNotFound' }).end()
      return
    }
    const content = Buffer.from(found)
    if (origin === 'hub' && isLarge(content, repository)) {
      const { port } = this.#storage.address() as AddressInfo
      const etag = createHash('sha256').update(content).digest('hex')
      const location = `http://localhost:${port}/stored${request.url}`
      response.writeHead(302, { location, 'x-linked-etag': `"${etag}"`, 'content-length': '0' }).end()
      return
    }
    this.sentBytes += sendFile(response, request, content, fault)
  }
}

function isLarge(content: Buffer, { lfsBytes = 1024 * 1024 }: FakeRepository): boolean {
  return content.length >= lfsBytes
}

function entryOf(
  path: string,
  given: Buffer | string,
  repository: FakeRepository,
  hugeBytes: number | undefined,
): object {
  const content = Buffer.from(given)
  const oid = createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex')
  const size = content.length
  if (!isLarge(content, repository)) return { type: 'file', path, size, oid }
  const pointer = createHash('sha1').update(`pointer of ${oid}`).digest('hex')
  const sha256 = createHash('sha256').update(content).digest('hex')
  const large = hugeBytes ?? size
  return {
    type: 'file',
    path,
    size: large,
    oid: pointer,
    lfs: { oid: sha256, size: large, pointerSize: 134 },
  }
}

function json(response: ServerResponse, document: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(document))
}
