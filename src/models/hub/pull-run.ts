import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ModelFile } from '../../domain/index.ts'
import { checkSpace, contentName, Download, Journal, type RemoteFile } from '../fetch/index.ts'
import { describeFolder } from '../layouts/describe.ts'
import { WEIGHT_FORMATS, type WeightFormat, type WeightSet, weightSets } from '../layouts/weights.ts'
import { MANIFEST_FILE, type Manifest } from '../manifest.ts'
import type { Hub, HubModel } from './api.ts'
import { adopt, isSame, lockPlace, type Place, pulledManifest, removeOthers, takePlace } from './place.ts'
import type { Pulled, PullRequest } from './request.ts'
import { descriptionFiles, find, type Selection } from './selection.ts'
import type { PullTarget } from './target.ts'

type Chosen = Exclude<Selection, { candidates: unknown }>

/** One pull of chosen weights: what is there already, what comes, and how it takes its place. */
export class PullRun {
  readonly #weights: Partial<Record<WeightFormat, WeightSet>> = {}

  constructor(
    private readonly request: PullRequest,
    private readonly hub: Hub,
    private readonly target: PullTarget,
    private readonly info: HubModel,
    private readonly tree: readonly RemoteFile[],
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
    for (const other of WEIGHT_FORMATS) {
      const main = before?.files[other]?.[0]?.path
      const kept = weightSets(paths, other).find(({ files: [first] }) => first === main)
      if (other === format) this.#weights[other] = weights
      else if (kept) this.#weights[other] = kept
    }
  }

  #sets(): WeightSet[] {
    return Object.values(this.#weights)
  }

  #found(paths: readonly string[]): RemoteFile[] {
    return [...new Set(paths)].flatMap((path) => find(this.tree, path) ?? [])
  }

  async #isThere(wanted: readonly RemoteFile[], before: Manifest): Promise<boolean> {
    if (!before.files[this.selection.format]) return false
    for (const file of wanted)
      if (!(await isSame(this.place.folder, file, before, this.request.signal))) return false
    return true
  }

  async #fetch(
    wanted: readonly RemoteFile[],
    descriptions: readonly RemoteFile[],
    before: Manifest | undefined,
  ): Promise<Pulled> {
    const { place, request } = this
    const { signal, onProgress, tuning = {} } = request
    const journal = await Journal.open(place.partial)
    if (before) await this.#adopt(wanted, before, journal)
    const download = new Download({
      source: this.hub.source(this.target.repository, this.info.sha),
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
  async #adopt(wanted: readonly RemoteFile[], before: Manifest, journal: Journal): Promise<void> {
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
    wanted: readonly RemoteFile[],
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
