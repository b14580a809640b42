/** The list of llama.cpp's releases, in the form of GitHub's API, and the files that it names. */
import { z } from 'zod'
import { TandemError } from '../../../../domain/index.ts'
import {
  type Address,
  get,
  getJson,
  Passing,
  type RemoteFile,
  type RetryOptions,
  type Source,
  throwIfPassing,
} from '../../../../models/fetch/index.ts'
import { type Build, readBuild } from './builds.ts'

/** Names of folders are made of it. */
export const TAG = /^\w[\w.+-]{0,99}$/

const ListedAsset = z.looseObject({
  name: z.string().max(300),
  size: z.int().min(1),
  state: z.string().default('uploaded'),
  browser_download_url: z.string(),
  digest: z.string().nullish(),
})

const ListedRelease = z.looseObject({
  tag_name: z.string().regex(TAG),
  draft: z.boolean().default(false),
  prerelease: z.boolean().default(false),
  assets: z.array(ListedAsset).max(1000),
})

/** How many of the newest releases are looked through: a build is left out now and then. */
const NEWEST = 20

export interface Asset {
  readonly build: Build
  readonly file: RemoteFile
  /** Absolute. */
  readonly url: string
}

export interface LlamaRelease {
  readonly tag: string
  readonly assets: readonly Asset[]
}

export interface ReleasesOptions extends Address, RetryOptions {
  /** What a person can do without the list, or without the file that it names. */
  readonly otherwise: (asset?: Asset) => string
}

export class Releases {
  readonly #options: ReleasesOptions

  constructor(options: ReleasesOptions) {
    this.#options = { ...options, url: options.url.replace(/\/+$/, '') }
  }

  /** The newest first. @throws TandemError ENGINE_SETUP; the signal's reason */
  async newest(): Promise<LlamaRelease[]> {
    const list = await this.#read(
      `${this.#options.url}?per_page=${NEWEST}`,
      z.array(ListedRelease),
      'releases',
    )
    return list.filter(({ draft, prerelease }) => !draft && !prerelease).map((each) => this.#release(each))
  }

  /** Same errors. */
  async tagged(tag: string): Promise<LlamaRelease> {
    const url = `${this.#options.url}/tags/${encodeURIComponent(tag)}`
    return this.#release(await this.#read(url, ListedRelease, `release ${tag}`))
  }

  /** Where a file is fetched from. */
  source(asset: Asset): Source {
    const { url, file } = asset
    return {
      retry: this.#options,
      open: async (_path, range, signal) => {
        const answer = await get(this.#options, url, range === undefined ? {} : { range }, signal)
        const { status } = answer.response
        if (status === 200 || status === 206) return answer
        try {
          throwIfPassing(answer.response)
          throw this.#error(`${url} answered ${status}`, { asset })
        } finally {
          answer.close()
        }
      },
      failure: (thrown) => this.#failure(thrown, `${file.path} at ${new URL(url).origin}`, asset),
    }
  }

  async #read<T>(url: string, schema: z.ZodType<T>, what: string): Promise<T> {
    try {
      const { body } = await getJson(
        this.#options,
        url,
        (response) => this.#refusal(response, what),
        (cause) => this.#error(`${url} gave no JSON`, { cause }),
      )
      const parsed = schema.safeParse(body)
      if (parsed.success) return parsed.data
      const [issue] = parsed.error.issues
      throw this.#error(`${url} gave another form (${issue?.path.join('.')}: ${issue?.message})`)
    } catch (thrown) {
      throw this.#failure(thrown, `the list of ${what} at ${this.#options.url}`)
    }
  }

  #release({ tag_name: tag, assets }: z.infer<typeof ListedRelease>): LlamaRelease {
    const read = assets.flatMap(({ name, size, state, browser_download_url: at, digest }): Asset[] => {
      const build = readBuild(name)
      // folders and files are named by them, also on Windows
      if (build === undefined || !TAG.test(build.tag) || /[/\\:\0]/.test(name)) return []
      if (state !== 'uploaded') return []
      const sha256 = /^sha256:([0-9a-f]{64})$/i.exec(digest ?? '')?.[1]?.toLowerCase()
      const file = { path: name, sizeBytes: size, ...(sha256 === undefined ? {} : { sha256 }) }
      const list = `${this.#options.url}/` // a mirror made of files names them beside the list
      const url = URL.canParse(at, list) ? new URL(at, list) : undefined
      return url && /^https?:$/.test(url.protocol) ? [{ build, file, url: url.href }] : []
    })
    return { tag, assets: read }
  }

  #refusal({ status, headers }: Response, what: string): TandemError {
    const { url } = this.#options
    if (status === 404) return this.#error(`${url} has no ${what}`)
    const resetS = Number(headers.get('x-ratelimit-reset'))
    if ((status === 403 || status === 429) && headers.get('x-ratelimit-remaining') === '0' && resetS > 0)
      return this.#error(
        `${url} takes no more requests of this address before ${new Date(resetS * 1000).toISOString()}`,
      )
    return this.#error(`${url} answered ${status}`)
  }

  #failure(thrown: unknown, what: string, asset?: Asset): unknown {
    if (!(thrown instanceof Passing)) return thrown
    const why = thrown.offline
      ? `${what} cannot be reached (${thrown.message})`
      : `${what}: ${thrown.message}`
    return this.#error(why, { cause: thrown, ...(asset ? { asset } : {}) })
  }

  #error(why: string, { cause, asset }: { cause?: unknown; asset?: Asset } = {}): TandemError {
    const todo = this.#options.otherwise(asset)
    return new TandemError('ENGINE_SETUP', { engine: 'llama.cpp', why, todo }, { cause })
  }
}
