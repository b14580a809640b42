/** The hub's HTTP interface: a model's description, its file tree and its files. */
import { z } from 'zod'
import { TandemError } from '../../domain/index.ts'
import {
  type Address,
  type Answer,
  get,
  getJson,
  type JsonAnswer,
  Passing,
  type RemoteFile,
  type RetryOptions,
  type Source,
  throwIfPassing,
} from '../fetch/index.ts'
import { checkAddress } from './address.ts'

const Info = z.looseObject({
  sha: z.string().regex(/^[0-9a-f]{40,64}$/),
  gated: z.union([z.boolean(), z.string()]).nullish(),
  pipeline_tag: z.string().nullish(),
  cardData: z.looseObject({ license: z.unknown().optional() }).nullish(),
  tags: z.array(z.string()).nullish(),
  safetensors: z.looseObject({ total: z.number().nullish() }).nullish(),
})

const TreeEntry = z.looseObject({
  type: z.string(),
  path: z.string(),
  size: z.number().int().min(0).default(0),
  oid: z.string().default(''),
  lfs: z.looseObject({ oid: z.string().regex(/^[0-9a-f]{64}$/), size: z.int().min(0) }).nullish(),
})

export interface HubModel {
  /** The commit that the revision stands for. */
  readonly sha: string
  readonly license?: string
  readonly pipelineTag?: string
  readonly parameters?: number
  readonly gated: boolean
}

export interface HubOptions extends Address, RetryOptions {
  /** Whether the environment names a proxy, which is said when nothing can be reached. */
  readonly proxyNamed?: boolean
}

const MAX_PAGES = 200

export class Hub {
  readonly #options: HubOptions
  /** Where a file's redirects ended; signed addresses expire and are then asked for again. */
  readonly #stored = new Map<string, string>()

  constructor(options: HubOptions) {
    checkAddress(options)
    this.#options = { ...options, url: options.url.replace(/\/+$/, '') }
  }

  get url(): string {
    return this.#options.url
  }

  /** The files of a commit. */
  source(repository: string, sha: string): Source {
    return {
      retry: this.#options,
      open: (path, range, signal) => this.#open(repository, sha, path, range, signal),
      failure: (thrown, path) => this.#failure(thrown, `${repository}/${path}`),
    }
  }

  /** @throws TandemError HUB_NOT_FOUND, MODEL_GATED, HUB_TOKEN_REFUSED, HUB_REFUSED, HUB_UNREACHABLE */
  async model(repository: string, revision: string): Promise<HubModel> {
    const path = `/api/models/${repository}/revision/${encodeURIComponent(revision)}`
    const { body } = await this.#json(`${this.url}${path}`, repository)
    const info = this.#parse(Info, body, path)
    const tagged = info.tags?.find((tag) => tag.startsWith('license:'))?.slice('license:'.length)
    const license = typeof info.cardData?.license === 'string' ? info.cardData.license : tagged
    return {
      sha: info.sha,
      gated: Boolean(info.gated),
      ...(license ? { license } : {}),
      ...(info.pipeline_tag ? { pipelineTag: info.pipeline_tag } : {}),
      ...(info.safetensors?.total ? { parameters: info.safetensors.total } : {}),
    }
  }

  /** Every file of a commit. Same errors. */
  async files(repository: string, sha: string): Promise<RemoteFile[]> {
    const path = `/api/models/${repository}/tree/${sha}`
    let next: string | undefined = `${this.url}${path}?recursive=true`
    const files: RemoteFile[] = []
    for (let page = 0; next !== undefined; page++) {
      if (page >= MAX_PAGES) throw this.#refused(path, `its file tree has more than ${MAX_PAGES} pages`)
      const { body, link }: JsonAnswer = await this.#json(next, repository)
      for (const entry of this.#parse(z.array(TreeEntry), body, path))
        if (entry.type === 'file') files.push(fileOf(entry))
      next = nextPage(link, next)
    }
    return files
  }

  async #open(
    repository: string,
    sha: string,
    path: string,
    range: string | undefined,
    signal: AbortSignal,
  ): Promise<Answer> {
    const encoded = path.split('/').map(encodeURIComponent).join('/')
    const resolve = `${this.url}/${repository}/resolve/${sha}/${encoded}`
    const headers = range === undefined ? {} : { range }
    const stored = this.#stored.get(resolve)
    const answer = await get(this.#options, stored ?? resolve, headers, signal)
    const { status } = answer.response
    if (status === 200 || status === 206) {
      this.#stored.set(resolve, answer.url)
      return answer
    }
    try {
      if (stored !== undefined && stored !== resolve) {
        this.#stored.delete(resolve)
        throw new Passing(`the storage answered ${status}`)
      }
      throwIfPassing(answer.response)
      throw this.#refusal(answer.response, repository, `${repository}/${path}`)
    } finally {
      answer.close()
    }
  }

  /** What an exhausted retry is for a person. */
  #failure(thrown: unknown, what: string): unknown {
    if (!(thrown instanceof Passing)) return thrown
    if (!thrown.offline) return this.#refused(what, thrown.message, thrown)
    const proxy = this.#options.proxyNamed
      ? '. A proxy is named in the environment: Node uses it from version 24 on with NODE_USE_ENV_PROXY=1'
      : ''
    return new TandemError(
      'HUB_UNREACHABLE',
      { hub: this.url, why: thrown.message, proxy },
      { cause: thrown },
    )
  }

  async #json(url: string, repository: string): Promise<JsonAnswer> {
    const { pathname } = new URL(url)
    try {
      return await getJson(
        this.#options,
        url,
        (response) => this.#refusal(response, repository, repository),
        (cause) => this.#refused(pathname, 'no JSON', cause),
      )
    } catch (thrown) {
      throw this.#failure(thrown, pathname)
    }
  }

  #parse<T>(schema: z.ZodType<T>, body: unknown, path: string): T {
    const parsed = schema.safeParse(body)
    if (parsed.success) return parsed.data
    const issue = parsed.error.issues[0]
    throw this.#refused(path, `an answer of another form (${issue?.path.join('.')}: ${issue?.message})`)
  }

  #refusal(response: Response, repository: string, what: string): TandemError {
    const { status, headers } = response
    const code = headers.get('x-error-code')
    const sent = this.#options.token !== undefined
    if (code === 'GatedRepo' || (status === 403 && code === null))
      return new TandemError('MODEL_GATED', { repository, page: `${this.url}/${repository}` })
    // to a stranger the hub answers 401 for what does not exist
    if (status === 404 || code === 'RepoNotFound' || (status === 401 && !sent))
      return new TandemError('HUB_NOT_FOUND', {
        hub: this.url,
        what: code === 'RevisionNotFound' ? `such revision of ${repository}` : what,
      })
    if (status === 401) return new TandemError('HUB_TOKEN_REFUSED', { hub: this.url })
    return this.#refused(what, `it answered ${status}`)
  }

  #refused(what: string, why: string, cause?: unknown): TandemError {
    return new TandemError('HUB_REFUSED', { hub: this.url, what, why }, { cause })
  }
}

function fileOf({ path, size, oid, lfs }: z.infer<typeof TreeEntry>): RemoteFile {
  if (lfs) return { path, sizeBytes: lfs.size, sha256: lfs.oid }
  return { path, sizeBytes: size, ...(/^[0-9a-f]{40}$/.test(oid) ? { gitSha1: oid } : {}) }
}

function nextPage(link: string | null, from: string): string | undefined {
  const target = /<([^>]+)>\s*;[^,]*\brel="?next"?/.exec(link ?? '')?.[1]
  if (target === undefined) return undefined
  const { pathname, search } = new URL(target, from)
  return new URL(`${pathname}${search}`, from).href // a mirror may name the origin that it mirrors
}
