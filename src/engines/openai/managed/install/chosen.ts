import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { digestsOf } from '../../../../models/fetch/index.ts'
import { ARCHIVE_KINDS, type ArchiveKind } from '../../../installation/index.ts'
import { invalid, setupError } from './advice.ts'
import { BACKENDS, type Backend, type Machine, readBuild } from './builds.ts'
import { folderOf } from './place.ts'
import { type Asset, TAG } from './releases.ts'
import type { InstallRequest } from './request.ts'

/** What is to be unpacked, and where. */
export interface Chosen {
  readonly release: string
  readonly backend: Backend
  readonly folder: string
  /** Name of the file. */
  readonly archive: string
  readonly kind: ArchiveKind
  readonly sizeBytes: number
  readonly sha256: string
  readonly url?: string
}

/** @throws TandemError ENGINE_SETUP when its content cannot be checked */
export function chosenAsset(
  { build, file, url }: Asset,
  backend: Backend,
  { sha256: given, home }: InstallRequest,
): Chosen {
  const { path: archive, sizeBytes, sha256: listed } = file
  if (given !== undefined && listed !== undefined && given !== listed)
    throw setupError(
      `the list of releases gives ${archive} the SHA-256 ${listed}, --sha256 says ${given}`,
      'find out which one is right',
    )
  const sha256 = given ?? listed
  if (sha256 === undefined)
    throw setupError(
      `the list of releases has no SHA-256 of ${archive}, so that it cannot be checked`,
      'give the right one with --sha256, or take another release with --release',
    )
  const { tag: release, archive: kind } = build
  const folder = folderOf(home, release, backend)
  return { release, backend, folder, archive, kind, sizeBytes, sha256, url }
}

/**
 * A file that somebody fetched.
 * @throws TandemError INVALID_REQUEST, ENGINE_SETUP when it is another one than --sha256 says
 */
export async function chosenFile(
  file: string,
  machine: Machine,
  { release, backend: asked, sha256: given, home, signal }: InstallRequest,
): Promise<Chosen> {
  const archive = basename(file)
  const build = readBuild(archive)
  const entry = await stat(file).catch(() => undefined)
  if (!entry?.isFile()) throw invalid(`${file} is no file; --archive takes a release build of llama.cpp`)
  const { platform, arch } = machine
  if (build && (build.platform !== platform || build.arch !== arch))
    throw invalid(`${archive} is for ${build.platform}/${build.arch}; here is ${platform}/${arch}`)
  const tag = release === undefined || release === 'latest' ? build?.tag : release // a file is what it is
  const backend = asked ?? BACKENDS.find((each) => each === build?.backend)
  const kind = ARCHIVE_KINDS.find((each) => archive.endsWith(`.${each}`))
  if (kind === undefined) throw invalid(`${archive} is no archive; allowed: ${ARCHIVE_KINDS.join(', ')}`)
  if (tag === undefined || !TAG.test(tag) || backend === undefined)
    throw invalid(
      `${archive} does not tell its release and backend; keep the name that it had, or give --release and --backend`,
    )
  const { sha256 } = await digestsOf(file, entry.size, signal)
  if (given !== undefined && given !== sha256)
    throw setupError(`${archive} has the SHA-256 ${sha256}, --sha256 says ${given}`, 'fetch it again')
  const folder = folderOf(home, tag, backend)
  return { release: tag, backend, folder, archive, kind, sizeBytes: entry.size, sha256 }
}
