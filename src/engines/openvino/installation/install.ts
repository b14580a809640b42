import { mkdir, rm, statfs } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { TandemError } from '../../../domain/index.ts'
import { removeLeftovers, takeLock, takePlace, workFolder, writeReceipt } from '../../installation/index.ts'
import { downloadWheel, isWheel, keepWheel } from './download.ts'
import { checkInstallation, openVinoHome } from './home.ts'
import type { OpenVinoInstallation } from './installation.ts'
import { libraryBelow } from './layouts.ts'
import { PINNED, type Pinned, type PinnedWheel, wheelName } from './pinned.ts'
import { pythonWithPip } from './python.ts'
import { unpackWheel } from './unpack.ts'
import { compareVersions } from './version.ts'

export interface InstallProgress {
  readonly phase: 'waiting' | 'downloading' | 'unpacking'
  readonly doneBytes: number
  readonly totalBytes: number
}

export interface InstallOptions {
  /** Absolute. */
  readonly home: string
  readonly env: NodeJS.ProcessEnv
  readonly signal: AbortSignal
  readonly onProgress?: (progress: InstallProgress) => void
  readonly pinned?: Pinned
  readonly platform?: NodeJS.Platform
  readonly arch?: NodeJS.Architecture
  readonly pipArgs?: readonly string[]
  /** Bytes that may be written to the disk of a folder. */
  readonly freeBytes?: (folder: string) => Promise<number>
}

const MIB = 1024 * 1024
const MARGIN_BYTES = 64 * MIB

/**
 * Installs the pinned OpenVINO into `home`, or finds it there already. A kill at any moment leaves the last
 * installation or none; what was downloaded completely is not downloaded again.
 * @throws TandemError ENGINE_SETUP; the signal's reason
 */
export async function installOpenVino(options: InstallOptions): Promise<OpenVinoInstallation> {
  const { home, signal, pinned = PINNED, platform = process.platform, onProgress } = options
  const wheel = wheelFor(pinned, platform, options.arch ?? process.arch)
  const root = openVinoHome(home)
  const folder = join(root, pinned.version)
  try {
    await mkdir(root, { recursive: true })
    const release = await takeLock(join(root, '.lock'), signal, () =>
      onProgress?.({ phase: 'waiting', doneBytes: 0, totalBytes: wheel.bytes }),
    )
    try {
      await removeLeftovers(root)
      if ((await checkInstallation(folder)).problem) await install(options, pinned, wheel, root, folder)
    } finally {
      await release()
    }
  } catch (thrown) {
    signal.throwIfAborted()
    throw asSetupError(thrown, root, pinned, wheel)
  }
  const found = await libraryBelow(folder, platform)
  if (!found) throw setupError(`the wheel has no C library for ${platform}`, OTHERWISE)
  return { ...found, source: 'home', by: 'TANDEM_HOME', version: pinned.version }
}

async function install(
  options: InstallOptions,
  pinned: Pinned,
  wheel: PinnedWheel,
  root: string,
  folder: string,
): Promise<void> {
  const { signal, env, onProgress, freeBytes = freeOn, platform = process.platform } = options
  const kept = join(root, wheelName(pinned, wheel))
  const here = await isWheel(kept, wheel, signal)
  if (!here) await rm(kept, { force: true })
  // pip copies the file from its temporary folder
  const needed = wheel.unpackedBytes + (here ? 0 : 2 * wheel.bytes) + MARGIN_BYTES
  const free = await freeBytes(root)
  if (free < needed)
    throw setupError(
      `${mib(needed)} are needed in ${root}, ${mib(free)} are free`,
      'free some space, or set TANDEM_HOME to another disk',
    )
  const work = await workFolder(root)
  try {
    if (!here) {
      const python = await pythonWithPip(env, platform, signal)
      if (typeof python === 'string') throw noPython(python)
      const report = (doneBytes: number) =>
        onProgress?.({ phase: 'downloading', doneBytes, totalBytes: wheel.bytes })
      report(0)
      const { pipArgs = [] } = options
      const file = await downloadWheel({ pinned, wheel, python, pipArgs, work, env, onBytes: report, signal })
      report(wheel.bytes)
      await keepWheel(file, kept, wheel, signal)
    }
    const fresh = join(work, 'unpacked')
    await mkdir(fresh)
    let doneBytes = 0
    const onBytes = (bytes: number) => {
      doneBytes += bytes
      onProgress?.({ phase: 'unpacking', doneBytes, totalBytes: wheel.unpackedBytes })
    }
    const files = await unpackWheel(kept, fresh, onBytes, signal)
    const receipt = { version: pinned.version, wheel: basename(kept), sha256: wheel.sha256, files }
    await writeReceipt(fresh, receipt)
    await takePlace(fresh, folder, work)
    await rm(kept, { force: true })
  } finally {
    await rm(work, { recursive: true, force: true, maxRetries: 5 })
  }
}

const OTHERWISE =
  'install OpenVINO yourself (an archive, or `pip install openvino`) and set openvino.folder or INTEL_OPENVINO_DIR to it'

/** @throws TandemError ENGINE_SETUP for a machine that no pinned wheel is for */
function wheelFor(pinned: Pinned, platform: NodeJS.Platform, arch: string): PinnedWheel {
  const wheel = pinned.wheels.find((one) => one.platform === platform && one.arch === arch)
  if (!wheel) {
    const known = pinned.wheels.map((one) => `${one.platform}/${one.arch}`).join(', ')
    const why = `there is no OpenVINO ${pinned.version} for ${platform}/${arch}, only for ${known}`
    throw setupError(why, OTHERWISE)
  }
  if (wheel.glibc && platform === process.platform) {
    const here = glibcVersion()
    if (here === undefined || compareVersions(here, wheel.glibc) < 0)
      throw setupError(
        `OpenVINO ${pinned.version} needs glibc ${wheel.glibc}; here is ${here ?? 'another C library'}`,
        OTHERWISE,
      )
  }
  return wheel
}

/** undefined where the C library is another one, such as musl. */
function glibcVersion(): string | undefined {
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } }
  return report.header?.glibcVersionRuntime
}

function noPython(why: string): TandemError {
  return setupError(
    `pip downloads it, and no Python with pip is here (${why})`,
    `install Python 3 with pip (Debian: \`apt install python3-pip\`; Windows: \`winget install Python.Python.3.12\`), or ${OTHERWISE}`,
  )
}

function setupError(why: string, todo: string, cause?: unknown): TandemError {
  return new TandemError('ENGINE_SETUP', { engine: 'OpenVINO', why, todo }, { cause })
}

function asSetupError(thrown: unknown, root: string, pinned: Pinned, wheel: PinnedWheel): TandemError {
  if (thrown instanceof TandemError) return thrown
  const name = wheelName(pinned, wheel)
  const todo = `try again; without a network put the file ${name} into ${root} and run it again, or ${OTHERWISE}`
  return setupError((thrown as Error).message, todo, thrown)
}

async function freeOn(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}

function mib(bytes: number): string {
  return `${Math.ceil(bytes / MIB)} MiB`
}
