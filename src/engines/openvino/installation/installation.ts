/** Where an installation can come from, in the order in which they are tried. */
export const OPENVINO_SOURCES = ['config', 'home', 'environment', 'python', 'system'] as const
export type OpenVinoSource = (typeof OPENVINO_SOURCES)[number]

/** An OpenVINO runtime on this machine, known by its files; nothing of it was loaded. */
export interface OpenVinoInstallation {
  readonly source: OpenVinoSource
  /** What named it, for people: `openvino.folder`, `INTEL_OPENVINO_DIR`, `python3`. */
  readonly by: string
  /** Absolute; the folder of `library`. */
  readonly folder: string
  /** Absolute path of libopenvino_c. */
  readonly library: string
  /** `2026.4.1`; absent when no file name tells it. */
  readonly version?: string
  /** Folders of libraries that it needs besides its own, as the archives have them. */
  readonly dependencies: readonly string[]
}

/** A place that was looked at and not taken. */
export interface OpenVinoCandidate {
  readonly source: OpenVinoSource
  readonly by: string
  /** Absolute; absent when there was nothing to look at. */
  readonly folder?: string
  readonly why: string
}

export interface OpenVinoSearch {
  readonly installation?: OpenVinoInstallation
  /** In the order in which they were looked at. */
  readonly candidates: readonly OpenVinoCandidate[]
}

/** Why nothing can be used: what somebody named or installed comes before what a search did not find. */
export function whyNone(candidates: readonly OpenVinoCandidate[]): string {
  const named = candidates.find(({ source }) => NAMED.includes(source))
  if (!named) return 'none was found'
  const { by, folder, why } = named
  return why.startsWith('is ') ? `${folder ?? by} ${why}` : `${by}: ${why}`
}

const NAMED: readonly OpenVinoSource[] = ['config', 'home', 'environment']

/**
 * Variables with which a process that loads the library must be started.
 * @returns additions to `env`; empty when it finds everything beside itself
 */
export function loadingEnvironment(
  { folder, dependencies }: OpenVinoInstallation,
  env: NodeJS.ProcessEnv,
  platform: NodeJS.Platform = process.platform,
): Record<string, string> {
  if (platform === 'win32')
    return { PATH: joined([folder, ...dependencies, env['PATH'] ?? env['Path']], ';') }
  if (dependencies.length === 0) return {}
  const name = platform === 'darwin' ? 'DYLD_LIBRARY_PATH' : 'LD_LIBRARY_PATH'
  return { [name]: joined([folder, ...dependencies, env[name]], ':') }
}

function joined(folders: readonly (string | undefined)[], separator: string): string {
  return folders.filter(Boolean).join(separator)
}
