import { chmod, mkdir, readdir, rm, utimes } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import { TandemError } from '../../../../domain/index.ts'
import { checkSpace, Download, JOURNAL_FILE, Journal } from '../../../../models/fetch/index.ts'
import {
  removeLeftovers,
  takeLock,
  takePlace,
  unpackArchive,
  workFolder,
  writeReceipt,
} from '../../../installation/index.ts'
import { type Asked, askServer } from '../ask.ts'
import { buildsFolder, serverBelow } from '../builds-folder.ts'
import { byHand, invalid, needsOf, setupError } from './advice.ts'
import type { Backend, Machine } from './builds.ts'
import { chooseAsset } from './choose.ts'
import { type Chosen, chosenAsset, chosenFile } from './chosen.ts'
import { type FoundBuild, folderOf, foundBuild, foundBuilds } from './place.ts'
import { type Asset, Releases, TAG } from './releases.ts'
import type { InstallOutcome, InstallRequest } from './request.ts'

type Tried = Exclude<Asked, { problem: string }>

/** A backend wakes its GPUs before it lists them, and a scanner of the system may look at every new library first. */
const TRY_MS = 60_000
const ATTEMPTS = 6
const BACKOFF_MS = 500
/** Where an archive grows; beside the builds, so that it is on their disk. */
const FETCHED = '.fetched'
/** What builds unpack to, against the size of their archives. */
const UNPACKED_RATIO = 5
const MAX_UNPACKED_BYTES = 8 * 1024 ** 3

/**
 * Installs a release build of llama.cpp below the home, or finds it there already. A kill at any moment leaves what was there
 * before; what was fetched is kept until it is installed.
 * @throws TandemError ENGINE_SETUP, DOWNLOAD_BAD, DISK_FULL, INVALID_REQUEST; the signal's reason
 */
export async function installLlamaCpp(request: InstallRequest): Promise<InstallOutcome> {
  const { release, sha256, archive, machine = process } = request
  if (release !== undefined && !TAG.test(release))
    throw invalid(`"${release}" is no name of a release; allowed: a tag such as b6869, or latest`)
  if (sha256 !== undefined && !/^[0-9a-f]{64}$/.test(sha256))
    throw invalid(`"${sha256}" is no SHA-256; allowed: 64 hexadecimal digits`)
  const installing = new Installing(request, machine)
  try {
    return await (archive === undefined ? installing.fromList() : installing.fromFile(archive))
  } catch (thrown) {
    request.signal.throwIfAborted()
    throw asSetupError(thrown, request.home)
  }
}

class Installing {
  readonly #root: string
  #fetchedBytes = 0

  constructor(
    private readonly request: InstallRequest,
    private readonly machine: Machine,
  ) {
    this.#root = buildsFolder(request.home)
  }

  async fromFile(file: string): Promise<InstallOutcome> {
    const chosen = await chosenFile(file, this.machine, this.request)
    return this.#place(chosen, async () => file)
  }

  async fromList(): Promise<InstallOutcome> {
    const backends = await this.#backends()
    const there = await this.#there(backends[0])
    if (there) return this.#present(there, backends[0])
    const releases = this.#releases(backends[0])
    const { asset, backend } = await chooseAsset(releases, this.machine, backends, this.request.release)
    const chosen = chosenAsset(asset, backend, this.request)
    return this.#place(chosen, () => this.#fetch(releases, asset, chosen))
  }

  /** Without a word of the user: Vulkan where llama.cpp finds a GPU by it. */
  async #backends(): Promise<readonly [Backend, ...Backend[]]> {
    const { backend, hasGpu } = this.request
    if (backend) return [backend]
    if (this.machine.platform === 'darwin') return [this.machine.arch === 'arm64' ? 'metal' : 'cpu']
    return (await hasGpu()) ? ['vulkan', 'cpu'] : ['cpu']
  }

  /** A build that can be told without the list. */
  async #there(backend: Backend): Promise<FoundBuild | undefined> {
    const { home, release } = this.request
    if (release === 'latest') return undefined
    if (release === undefined) return (await foundBuilds(home, backend, this.machine.platform))[0]
    return foundBuild(folderOf(home, release, backend), backend, this.machine.platform)
  }

  #releases(backend: Backend): Releases {
    const { releasesUrl, signal, say, tuning, home, release } = this.request
    const tag = release === 'latest' ? undefined : release
    return new Releases({
      url: releasesUrl,
      signal,
      attempts: tuning?.attempts ?? ATTEMPTS,
      backoffMs: tuning?.backoffMs ?? BACKOFF_MS,
      ...(tuning?.stallMs === undefined ? {} : { stallMs: tuning.stallMs }),
      onRetry: (why, waitMs) => say(`${why}; again in ${Math.ceil(waitMs / 1000)} s`),
      otherwise: (asset) => byHand(home, this.machine, backend, asset ? { name: asset.file.path } : { tag }),
    })
  }

  /** Unpacks what `fetch` brings, tries it, and gives it its name. */
  async #place(chosen: Chosen, fetch: () => Promise<string>): Promise<InstallOutcome> {
    const { dryRun, signal, onProgress } = this.request
    const before = await this.#same(chosen)
    if (before) return this.#present(before, chosen.backend)
    if (dryRun) return { state: 'planned', ...shown(chosen), fetchedBytes: 0, warnings: [] }
    await mkdir(this.#root, { recursive: true })
    const release = await takeLock(join(this.#root, '.lock'), signal, () =>
      onProgress({ phase: 'waiting', doneBytes: 0, totalBytes: chosen.sizeBytes }),
    )
    try {
      await removeLeftovers(this.#root)
      const meanwhile = await this.#same(chosen)
      if (meanwhile) return await this.#present(meanwhile, chosen.backend)
      return await this.#unpack(chosen, await fetch())
    } finally {
      await release()
    }
  }

  /** The very build, whole; one that was unpacked by hand is left as it is. */
  async #same({ folder, backend, sha256 }: Chosen): Promise<FoundBuild | undefined> {
    const found = await foundBuild(folder, backend, this.machine.platform)
    return found && (found.sha256 ?? sha256) === sha256 ? found : undefined
  }

  async #unpack(chosen: Chosen, archive: string): Promise<InstallOutcome> {
    const { signal, onProgress } = this.request
    const { release, backend, sha256, archive: name } = chosen
    await checkSpace(this.#root, UNPACKED_RATIO * chosen.sizeBytes)
    const work = await workFolder(this.#root)
    try {
      const fresh = join(work, 'unpacked')
      const files = await this.#unpackInto(fresh, chosen, archive)
      const binary = await serverBelow(fresh, this.machine.platform)
      if (binary === undefined) throw damaged(name, 'there is no llama-server in it')
      if (process.platform !== 'win32') await chmod(binary, 0o755) // a zip that Windows made does not know it
      onProgress({ phase: 'trying', doneBytes: chosen.sizeBytes, totalBytes: chosen.sizeBytes })
      const tried = await this.#try(binary, backend, name)
      await writeReceipt(fresh, { release, backend, archive: name, sha256, version: tried.version, files })
      signal.throwIfAborted()
      await takePlace(fresh, chosen.folder, work)
      await rm(join(this.#root, FETCHED), { recursive: true, force: true })
      const placed = join(chosen.folder, relative(fresh, binary))
      return this.#outcome('installed', shown(chosen), placed, tried)
    } finally {
      await rm(work, { recursive: true, force: true, maxRetries: 5 })
    }
  }

  async #unpackInto(fresh: string, { archive: name, kind, sizeBytes }: Chosen, archive: string) {
    const { signal, onProgress } = this.request
    await mkdir(fresh)
    let doneBytes = 0
    const onBytes = (bytes: number) => {
      doneBytes += bytes
      onProgress({ phase: 'unpacking', doneBytes, totalBytes: sizeBytes })
    }
    try {
      return await unpackArchive(archive, kind, fresh, { maxBytes: MAX_UNPACKED_BYTES, onBytes, signal })
    } catch (thrown) {
      signal.throwIfAborted()
      throw damaged(name, (thrown as Error).message, thrown)
    }
  }

  async #present(found: FoundBuild, backend: Backend): Promise<InstallOutcome> {
    const { folder, binary, release, sha256 } = found
    const tried = await this.#try(binary, backend, basename(folder))
    const now = new Date()
    await utimes(folder, now, now) // the newest one is used
    const what = { release, backend, folder, ...(sha256 === undefined ? {} : { sha256 }) }
    return this.#outcome('present', what, binary, tried)
  }

  async #try(binary: string, backend: Backend, name: string): Promise<Tried> {
    const { env, signal } = this.request
    const asked = await askServer(binary, env, TRY_MS, signal)
    if ('version' in asked) return asked
    throw setupError(`${name} does not run here: ${asked.problem}`, needsOf(backend, name))
  }

  #outcome(
    state: 'installed' | 'present',
    what: Pick<InstallOutcome, 'release' | 'backend' | 'folder'>,
    binary: string,
    { version, devices }: Tried,
  ): InstallOutcome {
    const { backend } = what
    const blind = backend !== 'cpu' && devices.length === 0
    const warnings = blind ? [`it lists no device and would run on the CPU; ${needsOf(backend)}`] : []
    return { state, ...what, binary, version, devices, fetchedBytes: this.#fetchedBytes, warnings }
  }

  async #fetch(
    releases: Releases,
    asset: Asset,
    { sha256, sizeBytes, archive: path }: Chosen,
  ): Promise<string> {
    const { signal, onProgress, tuning = {} } = this.request
    const folder = join(this.#root, FETCHED)
    await mkdir(folder, { recursive: true })
    for (const other of await readdir(folder))
      if (other !== path && other !== JOURNAL_FILE) await rm(join(folder, other), { recursive: true })
    const download = new Download({
      source: releases.source(asset),
      folder,
      journal: await Journal.open(folder),
      signal,
      onProgress: ({ phase, doneBytes, totalBytes }) =>
        onProgress({ phase: phase === 'fetching' ? 'downloading' : 'verifying', doneBytes, totalBytes }),
      ...tuning,
    })
    const file = { path, sizeBytes, sha256 }
    await checkSpace(this.#root, download.missingBytes([file]) + UNPACKED_RATIO * sizeBytes)
    await download.fetch([file])
    this.#fetchedBytes = download.fetchedBytes
    return join(folder, path)
  }
}

function shown({ kind: _, ...told }: Chosen): Omit<Chosen, 'kind'> {
  return told
}

function asSetupError(thrown: unknown, home: string): TandemError {
  if (thrown instanceof TandemError) return thrown
  const todo = `see that ${buildsFolder(home)} can be written to, or set TANDEM_HOME to another folder, and try again`
  return setupError((thrown as Error).message, todo, thrown)
}

function damaged(name: string, why: string, cause?: unknown): TandemError {
  return setupError(`${name} cannot be unpacked: ${why}`, 'take another release with --release', cause)
}
