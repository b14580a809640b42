/** The names of llama.cpp's release builds. They drift from release to release, so that they are read part by part. */
import { ARCHIVE_KINDS, type ArchiveKind } from '../../../installation/index.ts'

/** Builds that Tandem installs, by what they compute with besides the CPU; `metal` is the one of macOS. */
export const BACKENDS = ['cpu', 'vulkan', 'sycl', 'openvino', 'metal'] as const
export type Backend = (typeof BACKENDS)[number]

/** A machine as releases are made for. */
export interface Machine {
  readonly platform: NodeJS.Platform
  readonly arch: string
}

/** What the name of a build tells. */
export interface Build extends Machine {
  /** Of the release: `b6869`. */
  readonly tag: string
  /** One of ours, or another's name: `cuda`, `hip`. */
  readonly backend: string
  /** The rest, in its order: `fp16`, `2026.0`. */
  readonly variant: string
  readonly archive: ArchiveKind
}

const SYSTEMS: Readonly<Record<string, NodeJS.Platform>> = {
  win: 'win32',
  windows: 'win32',
  ubuntu: 'linux',
  linux: 'linux',
  macos: 'darwin',
}
const ARCHITECTURES: Readonly<Record<string, string>> = {
  x64: 'x64',
  x86_64: 'x64',
  amd64: 'x64',
  arm64: 'arm64',
  aarch64: 'arm64',
  s390x: 's390x',
}

/** @returns undefined for what is no build of llama.cpp's programs: its web pages, the CUDA runtime, frameworks */
export function readBuild(name: string): Build | undefined {
  const archive = ARCHIVE_KINDS.find((kind) => name.endsWith(`.${kind}`))
  const [, tag, rest] = /^llama-(.+?)-bin-(.+)$/.exec(archive ? name.slice(0, -archive.length - 1) : '') ?? []
  if (archive === undefined || tag === undefined || rest === undefined) return undefined
  const parts = rest.split('-')
  const system = parts.find((part) => part in SYSTEMS)
  const processor = parts.find((part) => part in ARCHITECTURES)
  if (system === undefined || processor === undefined) return undefined
  const platform = SYSTEMS[system]!
  const arch = ARCHITECTURES[processor]!
  const [backend = platform === 'darwin' && arch === 'arm64' ? 'metal' : 'cpu', ...variant] = parts.filter(
    (part) => part !== system && part !== processor,
  )
  return { tag, platform, arch, backend, variant: variant.join('-'), archive }
}

/**
 * The builds of a backend for a machine, the one to take first: half precision before single, newer versions of a
 * library before older ones.
 */
export function buildsFor<T extends { readonly build: Build }>(
  all: readonly T[],
  { platform, arch }: Machine,
  backend: string,
): T[] {
  const numeric = new Intl.Collator('en', { numeric: true })
  return all
    .filter(({ build }) => build.platform === platform && build.arch === arch && build.backend === backend)
    .sort((a, b) => rank(a.build) - rank(b.build) || numeric.compare(b.build.variant, a.build.variant))
}

function rank({ variant }: Build): number {
  return variant === 'fp16' ? -1 : 0
}

const USUAL_SYSTEMS: Readonly<Partial<Record<NodeJS.Platform, string>>> = {
  win32: 'win',
  linux: 'ubuntu',
  darwin: 'macos',
}

/** What a build is called as a rule, for a person who fetches it by hand. */
export function usualName(tag: string, { platform, arch }: Machine, backend: Backend): string {
  const system = USUAL_SYSTEMS[platform] ?? platform
  const shown = backend === 'metal' || (backend === 'cpu' && platform !== 'win32') ? [] : [backend]
  const kind: ArchiveKind = platform === 'win32' ? 'zip' : 'tar.gz'
  return `${['llama', tag, 'bin', system, ...shown, arch].join('-')}.${kind}`
}
