import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ModelFile, TandemError, type Task } from '../../domain/index.ts'
import { pulledFolder } from '../folders.ts'
import { describeFolder } from '../layouts/describe.ts'
import { type WeightFormat, type WeightSet, weightSets } from '../layouts/weights.ts'
import { MANIFEST_FILE, type Manifest } from '../manifest.ts'
import { Hub, type HubFile, type HubModel } from './api.ts'
import { contentName } from './digest.ts'
import { Download, type DownloadProgress } from './download.ts'
import { Journal } from './journal.ts'
import {
  adopt,
  checkSpace,
  isSame,
  lockPlace,
  type Place,
  placeOf,
  pulledManifest,
  removeOthers,
  takePlace,
} from './place.ts'
import { descriptionFiles, find, type Selection, type SizedSet, selectWeights } from './selection.ts'
import { nearestKnown, type PullTarget, pullTarget } from './target.ts'

export interface PullRequest {
  /** A known id or `OWNER/NAME`, with `@REVISION` where it is not the usual one. */
  readonly name: string
  readonly format?: WeightFormat
  /** Which weights, where a repository has several. */
  readonly file?: string
  readonly dryRun: boolean
  readonly home: string
  readonly hub: { readonly url: string; readonly token?: string }
  readonly env: NodeJS.ProcessEnv
  readonly signal: AbortSignal
  readonly onProgress: (progress: DownloadProgress) => void
  /** What a person should hear while it goes on. */
  readonly say: (message: string) => void
  readonly tuning?: {
    readonly attempts?: number
    readonly backoffMs?: number
    readonly parallel?: number
    readonly rangeBytes?: number
  }
}

export interface Pulled {
  /** `planned`: nothing was fetched. */
  readonly state: 'pulled' | 'present' | 'planned'
  readonly id: string
  readonly repository: string
  /** The commit. */
  readonly revision: string
  readonly format: WeightFormat
  readonly license: string
  readonly folder: string
  readonly tasks?: readonly Task[]
  readonly weights: string
  readonly others: readonly SizedSet[]
  readonly otherFormats: readonly WeightFormat[]
  readonly files: readonly { readonly path: string; readonly sizeBytes: number; readonly sha256?: string }[]
  readonly totalBytes: number
  readonly fetchedBytes: number
  readonly warnings: readonly string[]
}

export type PullOutcome = Pulled | Ambiguous

/** Several weights would do: a person must say which. */
export interface Ambiguous {
  readonly state: 'ambiguous'
  readonly repository: string
  readonly format: WeightFormat
  readonly why: string
  readonly candidates: readonly SizedSet[]
}

const ATTEMPTS = 6
const BACKOFF_MS = 500

/**
 * Fetches a model into the home's folder of models, verified and with a manifest; continues what an earlier run left.
 * @throws TandemError MODEL_NOT_FOUND, HUB_*, MODEL_GATED, MODEL_UNSUPPORTED, DOWNLOAD_BAD, DISK_FULL, CONFLICT,
 *   INVALID_REQUEST; the signal's reason
 */
export async function pullModel(request: PullRequest): Promise<PullOutcome> {
  const target = pullTarget(request.name, request.format)
  const root = pulledFolder(request.home)
  const hub = hubOf(request)
  try {
    const info = await hub.model(target.repository, target.revision)
    if (info.gated && request.hub.token === undefined) {
      const page = `${hub.url}/${target.repository}`
      throw new TandemError('MODEL_GATED', { repository: target.repository, page })
    }
    const tree = await hub.files(target.repository, info.sha)
    const selection = selectWeights(tree, target, request.file)
    if ('candidates' in selection) return { state: 'ambiguous', repository: target.repository, ...selection }
    return await new Pull(request, hub, target, info, tree, selection, placeOf(root, selection.id)).run()
  } catch (thrown) {
    throw await explained(thrown, target)
  }
}

function hubOf({ hub, env, signal, say, tuning }: PullRequest): Hub {
  return new Hub({
    ...hub,
    signal,
    attempts: tuning?.attempts ?? ATTEMPTS,
    backoffMs: tuning?.backoffMs ?? BACKOFF_MS,
    proxyNamed: ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'].some((name) => env[name]),
    onRetry: (why, waitMs) => say(`${why}; again in ${Math.ceil(waitMs / 1000)} s`),
  })
}

/** A repository that is not there is answered with the known ones that are like it. */
function explained(thrown: unknown, { repository }: PullTarget): unknown {
  if (!(thrown instanceof TandemError) || thrown.code !== 'HUB_NOT_FOUND') return thrown
  const nearest = nearestKnown(repository)
  return nearest && nearest !== repository
    ? new TandemError('HUB_NOT_FOUND', { ...thrown.details, nearest }, { cause: thrown })
    : thrown
}

type Chosen = Exclude<Selection, { candidates: unknown }>

class Pull {
  readonly #weights: Partial<Record<WeightFormat, WeightSet>> = {}

  constructor(
    private readonly request: PullRequest,
    private readonly hub: Hub,
    private readonly target: PullTarget,
    private readonly info: HubModel,
    private readonly tree: readonly HubFile[],
    private readonly selection: Chosen,
    private readonly place: Place,
  ) {}

  async run(): Promise<Pulled> {
    const { request, place, selection } = this
    const before = await pulledManifest(place)
    this.#chooseWeights(before)
    const descriptions = selection.format === 'gguf' ? [] : descriptionFiles(this.tree, this.#sets())
    const weights = this.#sets().flatMap(({ files }) => files)
    const wanted = this.#found([...descriptions.map(({ path }) => path), ...weights])
    if (before && (await this.#isThere(wanted, before))) return this.#result('present', wanted, 0, [], before)
    if (request.dryRun) return this.#result('planned', wanted, 0, [])
    await mkdir(place.partial, { recursive: true })
    const unlock = await lockPlace(place)
    try {
      return await this.#fetch(wanted, descriptions, before)
    } finally {
      await unlock()
    }
  }

  /** The chosen weights, and those of other formats that are there already: they share the folder. */
  #chooseWeights(before: Manifest | undefined): void {
    const { format, weights } = this.selection
    const paths = this.tree.map(({ path }) => path)
    for (const other of ['onnx', 'openvino-ir', 'gguf'] as const) {
      const main = before?.files[other]?.[0]?.path
      const kept = weightSets(paths, other).find(({ files: [first] }) => first === main)
      if (other === format) this.#weights[other] = weights
      else if (kept) this.#weights[other] = kept
    }
  }

  #sets(): WeightSet[] {
    return Object.values(this.#weights)
  }

  #found(paths: readonly string[]): HubFile[] {
    return [...new Set(paths)].flatMap((path) => find(this.tree, path) ?? [])
  }

  async #isThere(wanted: readonly HubFile[], before: Manifest): Promise<boolean> {
    if (!before.files[this.selection.format]) return false
    for (const file of wanted)
      if (!(await isSame(this.place.folder, file, before, this.request.signal))) return false
    return true
  }

  async #fetch(
    wanted: readonly HubFile[],
    descriptions: readonly HubFile[],
    before: Manifest | undefined,
  ): Promise<Pulled> {
    const { place, request } = this
    const { signal, onProgress, tuning = {} } = request
    const journal = await Journal.open(place.partial)
    if (before) await this.#adopt(wanted, before, journal)
    const download = new Download({
      hub: this.hub,
      repository: this.target.repository,
      sha: this.info.sha,
      folder: place.partial,
      journal,
      signal,
      onProgress,
      ...tuning,
    })
    await checkSpace(place.root, download.missingBytes(wanted))
    const hashes = new Map(await download.fetch(wanted.filter((file) => descriptions.includes(file))))
    // what cannot be served is refused before gigabytes are fetched
    if (this.selection.format !== 'gguf') await this.#describe(hashes)
    for (const [path, hash] of await download.fetch(wanted.filter((file) => !descriptions.includes(file))))
      hashes.set(path, hash)
    const { manifest, warnings } = await this.#describe(hashes)
    await removeOthers(place.partial, wanted)
    await writeFile(join(place.partial, MANIFEST_FILE), `${JSON.stringify(manifest, null, 2)}\n`)
    signal.throwIfAborted()
    await takePlace(place)
    await (await Journal.open(place.folder)).remove()
    return this.#result('pulled', wanted, download.fetchedBytes, warnings, manifest)
  }

  /** Files that an older folder of the model has need not come again. */
  async #adopt(wanted: readonly HubFile[], before: Manifest, journal: Journal): Promise<void> {
    const { folder, partial } = this.place
    for (const file of wanted) {
      const content = contentName(file)
      if (journal.verified(file.path, content) !== undefined) continue
      if (!(await isSame(folder, file, before, this.request.signal))) continue
      await adopt(folder, partial, file.path)
      await journal.addRange(file.path, content, { start: 0, end: file.sizeBytes })
    }
  }

  #describe(hashes: ReadonlyMap<string, string>) {
    const { target, info, selection, place } = this
    const parameters = info.parameters
    return describeFolder({
      folder: place.partial,
      id: selection.id,
      title: `${target.known?.title ?? `${info.pipelineTag ?? 'model'}`} (${target.repository})`,
      revision: info.sha,
      license: this.#license(),
      weights: this.#weights,
      fileOf: (path) => this.#fileOf(path, hashes),
      has: (path) => hashes.has(path),
      ...(parameters === undefined ? {} : { parameters }),
      ...(target.known ? { known: target.known } : {}),
    })
  }

  #fileOf(path: string, hashes: ReadonlyMap<string, string>): ModelFile {
    const { sizeBytes = 1, sha256 } = find(this.tree, path) ?? {}
    return { path, sizeBytes, sha256: hashes.get(path) ?? sha256 ?? '0'.repeat(64) }
  }

  #license(): string {
    return this.info.license ?? this.target.known?.license ?? 'not told; see the repository'
  }

  #result(
    state: Pulled['state'],
    wanted: readonly HubFile[],
    fetchedBytes: number,
    warnings: readonly string[],
    manifest?: Manifest,
  ): Pulled {
    const { selection, target, info, place } = this
    const listed = new Map(
      Object.values(manifest?.files ?? {}).flatMap((files) => files.map((f) => [f.path, f])),
    )
    const tasks = manifest?.tasks ?? target.known?.tasks
    return {
      state,
      id: selection.id,
      repository: target.repository,
      revision: manifest?.revision ?? info.sha,
      format: selection.format,
      license: this.#license(),
      folder: place.folder,
      ...(tasks ? { tasks } : {}),
      weights: selection.weights.label,
      others: selection.others,
      otherFormats: selection.otherFormats,
      files: wanted.map(({ path, sizeBytes, sha256 }) => {
        const hash = listed.get(path)?.sha256 ?? sha256
        return { path, sizeBytes, ...(hash === undefined ? {} : { sha256: hash }) }
      }),
      totalBytes: wanted.reduce((sum, file) => sum + file.sizeBytes, 0),
      fetchedBytes,
      warnings,
    }
  }
}
