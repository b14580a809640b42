import { readdir } from 'node:fs/promises'
import { isAbsolute, join, resolve } from 'node:path'
import { homeInstallations } from './home.ts'
import type {
  OpenVinoCandidate,
  OpenVinoInstallation,
  OpenVinoSearch,
  OpenVinoSource,
} from './installation.ts'
import { type FoundLibrary, libraryAround, libraryBelow, libraryIn, libraryOfPython } from './layouts.ts'
import { packageFolders, pythonCommands } from './python.ts'
import { compareVersions, OLDEST_OPENVINO } from './version.ts'

export interface FindOptions {
  /** Absolute. */
  readonly home: string
  /** `openvino.folder`; nothing else is looked at then. */
  readonly configured?: string
  readonly env: NodeJS.ProcessEnv
  readonly platform?: NodeJS.Platform
  /** False: the Pythons on the PATH and the system's folders are left out, for they take time. Default: true. */
  readonly thorough?: boolean
  /** The system's library folders; for tests. */
  readonly systemFolders?: readonly string[]
  readonly signal?: AbortSignal
}

/** One place to look at. */
interface Place {
  readonly source: OpenVinoSource
  readonly by: string
  readonly folder?: string
  /** The library, or why there is none. */
  readonly look: () => Promise<FoundLibrary | string>
}

/**
 * Finds the OpenVINO to use, without loading anything. Takes a few milliseconds; only when the places before have none
 * are the Pythons on the PATH asked, each within 15 s.
 */
export async function findOpenVino(options: FindOptions): Promise<OpenVinoSearch> {
  const candidates: OpenVinoCandidate[] = []
  for await (const { look, ...place } of places(options)) {
    options.signal?.throwIfAborted()
    const found = await look()
    if (typeof found === 'string') {
      candidates.push({ ...place, why: found })
      continue
    }
    const why = refusal(found.version)
    if (why) candidates.push({ ...place, folder: found.folder, why })
    else return { installation: installed(place, found), candidates }
  }
  return { candidates }
}

function installed({ source, by }: Omit<Place, 'look'>, found: FoundLibrary): OpenVinoInstallation {
  return { source, by, ...found }
}

/** Why a version is not used; an unknown one is judged when it is loaded. */
function refusal(version: string | undefined): string | undefined {
  if (version === undefined || compareVersions(version, OLDEST_OPENVINO) >= 0) return undefined
  return `is OpenVINO ${version}; ${OLDEST_OPENVINO} or newer is needed`
}

async function* places(options: FindOptions): AsyncGenerator<Place> {
  const { home, configured, env, platform = process.platform, signal } = options
  const below = (source: OpenVinoSource, by: string, folder: string): Place => ({
    source,
    by,
    folder,
    look: async () => (await libraryBelow(folder, platform)) ?? nothingIn(folder),
  })
  if (configured !== undefined) {
    yield below('config', 'openvino.folder', isAbsolute(configured) ? configured : resolve(home, configured))
    return // what was asked for, or nothing: never another one silently
  }
  for (const { folder, problem } of await homeInstallations(home)) {
    const place = below('home', 'TANDEM_HOME', folder)
    yield problem === undefined ? place : { ...place, look: async () => problem }
  }

  const root = env['INTEL_OPENVINO_DIR']
  if (root) yield below('environment', 'INTEL_OPENVINO_DIR', root)
  const cmake = env['OpenVINO_DIR']
  if (cmake)
    yield {
      source: 'environment',
      by: 'OpenVINO_DIR',
      folder: cmake,
      look: async () => (await libraryAround(cmake, platform)) ?? nothingIn(cmake),
    }
  for (const by of ['VIRTUAL_ENV', 'CONDA_PREFIX']) {
    const folder = env[by]
    if (folder)
      yield {
        source: 'python',
        by,
        folder,
        look: async () => (await libraryOfPython(folder, platform)) ?? nothingIn(folder),
      }
  }
  if (options.thorough === false) return
  for (const python of pythonCommands(platform)) {
    yield {
      source: 'python',
      by: python.command,
      look: async () => {
        const folders = await packageFolders(python, env, signal)
        if (typeof folders === 'string') return folders
        for (const folder of folders) {
          const found = await libraryIn(join(folder, 'libs'), platform)
          if (found) return found
        }
        return nothingIn(folders.join(', '))
      },
    }
  }
  for (const folder of options.systemFolders ?? (await systemFolders(platform, env)))
    yield {
      source: 'system',
      by: 'the system',
      folder,
      look: async () => (await libraryBelow(folder, platform)) ?? nothingIn(folder),
    }
}

function nothingIn(folder: string): string {
  return `no OpenVINO C library (libopenvino_c) in ${folder} or its known subfolders`
}

const LINUX_FOLDERS = [
  '/usr/lib/x86_64-linux-gnu',
  '/usr/lib/aarch64-linux-gnu',
  '/usr/lib64',
  '/usr/lib',
  '/usr/local/lib',
]
const MAC_FOLDERS = ['/opt/homebrew/lib', '/usr/local/lib']
/** Parents of unpacked archives: `/opt/intel/openvino_2026`. */
const ARCHIVE_PARENTS: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  linux: ['/opt/intel', '/opt'],
  darwin: ['/opt/intel'],
}

async function systemFolders(platform: NodeJS.Platform, env: NodeJS.ProcessEnv): Promise<string[]> {
  const fixed = platform === 'linux' ? LINUX_FOLDERS : platform === 'darwin' ? MAC_FOLDERS : []
  const programs = [env['ProgramFiles(x86)'], env['ProgramFiles']].flatMap((folder) =>
    folder ? [join(folder, 'Intel')] : [],
  )
  const parents = platform === 'win32' ? programs : (ARCHIVE_PARENTS[platform] ?? [])
  const archives = await Promise.all(
    parents.map(async (parent) =>
      (await readdir(parent).catch(() => []))
        .filter((name) => /^openvino/i.test(name))
        .sort()
        .reverse()
        .map((name) => join(parent, name)),
    ),
  )
  return [...archives.flat(), ...fixed]
}
