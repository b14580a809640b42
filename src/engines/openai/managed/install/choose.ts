import { setupError } from './advice.ts'
import { type Backend, buildsFor, type Machine } from './builds.ts'
import type { Asset, LlamaRelease, Releases } from './releases.ts'

export interface Choice {
  readonly asset: Asset
  readonly backend: Backend
}

/**
 * The build to install: of the release that is named, else of the newest one that has it.
 * @param backends what is asked for, best first
 * @throws TandemError ENGINE_SETUP saying what there is instead; the signal's reason
 */
export async function chooseAsset(
  releases: Releases,
  machine: Machine,
  backends: readonly Backend[],
  release: string | undefined,
): Promise<Choice> {
  const named = release !== undefined && release !== 'latest'
  const looked = named ? [await releases.tagged(release)] : await releases.newest()
  for (const backend of backends) {
    for (const { assets } of looked) {
      const [asset] = buildsFor(assets, machine, backend)
      if (asset) return { asset, backend }
    }
  }
  throw setupError(whyNone(looked, machine, backends), adviceFor(named))
}

function whyNone(
  looked: readonly LlamaRelease[],
  { platform, arch }: Machine,
  backends: readonly Backend[],
): string {
  const tags = looked.map(({ tag }) => tag)
  const where =
    tags.length === 1
      ? `release ${tags[0]}`
      : `the ${tags.length} newest releases (${tags[0]} to ${tags.at(-1)})`
  const builds = looked.flatMap(({ assets }) => assets.map(({ build }) => build))
  const here = builds.filter((build) => build.platform === platform && build.arch === arch)
  const there = [...new Set(here.map(({ backend }) => backend))].sort()
  const has =
    there.length > 0
      ? `for ${platform}/${arch} there is ${there.join(', ')}`
      : `there is nothing for ${platform}/${arch}`
  if (tags.length === 0) return 'the list of releases is empty'
  return `no ${backends.join(' or ')} build in ${where}; ${has}`
}

function adviceFor(named: boolean): string {
  return named
    ? 'take another with --backend or --release'
    : 'take another with --backend, or an older release that has it with --release TAG'
}
