import { TandemError } from '../../domain/index.ts'
import { pulledFolder } from '../folders.ts'
import { WEIGHT_FORMATS } from '../layouts/weights.ts'
import { Hub } from './api.ts'
import { placeOf, pulledManifest } from './place.ts'
import { PullRun } from './pull-run.ts'
import type { Pulled, PullOutcome, PullRequest } from './request.ts'
import { selectWeights } from './selection.ts'
import { nearestKnown, type PullTarget, pullTarget } from './target.ts'

const ATTEMPTS = 6
const BACKOFF_MS = 500

/**
 * Fetches a model into the home's folder of models, verified and with a manifest; continues what an earlier run left.
 * @throws TandemError MODEL_NOT_FOUND, HUB_*, MODEL_GATED, MODEL_UNSERVABLE, DOWNLOAD_BAD, DISK_FULL, CONFLICT,
 *   INVALID_REQUEST; the signal's reason
 */
export async function pullModel(request: PullRequest): Promise<PullOutcome> {
  const target = pullTarget(request.name, request.format)
  const root = pulledFolder(request.home)
  const hub = hubOf(request)
  try {
    const info = await hub.model(target.repository, target.revision)
    if (info.gated && tokenOf(request) === undefined) {
      const page = `${hub.url}/${target.repository}`
      throw new TandemError('MODEL_GATED', { repository: target.repository, page })
    }
    const tree = await hub.files(target.repository, info.sha)
    const selection = selectWeights(tree, target, request.file)
    if ('candidates' in selection) return { state: 'ambiguous', repository: target.repository, ...selection }
    return await new PullRun(request, hub, target, info, tree, selection, placeOf(root, selection.id)).run()
  } catch (thrown) {
    const present = await presentOffline(thrown, request, target)
    if (present) return present
    throw explained(thrown, target)
  }
}

/** Without a way to the hub a model that is there is still there. */
async function presentOffline(
  thrown: unknown,
  request: PullRequest,
  { id, repository, format }: PullTarget,
): Promise<Pulled | undefined> {
  const { home, file, dryRun } = request
  if (!(thrown instanceof TandemError) || thrown.code !== 'HUB_UNREACHABLE') return undefined
  const place = placeOf(pulledFolder(home), id)
  const manifest = await pulledManifest(place)
  const wanted = format ?? WEIGHT_FORMATS.find((each) => manifest?.files[each])
  const files = wanted && manifest?.files[wanted]
  if (!manifest || !wanted || !files?.[0] || file !== undefined || dryRun) return undefined
  return {
    state: 'present',
    id,
    repository,
    revision: manifest.revision,
    format: wanted,
    license: manifest.license,
    folder: place.folder,
    tasks: manifest.tasks,
    weights: files[0].path,
    others: [],
    otherFormats: [],
    files,
    totalBytes: files.reduce((sum, each) => sum + each.sizeBytes, 0),
    fetchedBytes: 0,
    warnings: [`the hub was not reached (${thrown.details['why']}), so nothing was compared with it`],
  }
}

function tokenOf({ hub, env }: PullRequest): string | undefined {
  return hub.token ?? (env['HF_TOKEN'] || undefined)
}

function hubOf(request: PullRequest): Hub {
  const { hub, env, signal, say, tuning } = request
  const token = tokenOf(request)
  return new Hub({
    url: hub.url,
    ...(token === undefined ? {} : { token }),
    signal,
    attempts: tuning?.attempts ?? ATTEMPTS,
    backoffMs: tuning?.backoffMs ?? BACKOFF_MS,
    ...(tuning?.stallMs === undefined ? {} : { stallMs: tuning.stallMs }),
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
