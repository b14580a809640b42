import { TandemError } from '../../domain/index.ts'
import { pulledFolder } from '../folders.ts'
import { Hub } from './api.ts'
import { placeOf } from './place.ts'
import { PullRun } from './pull-run.ts'
import type { PullOutcome, PullRequest } from './request.ts'
import { selectWeights } from './selection.ts'
import { nearestKnown, type PullTarget, pullTarget } from './target.ts'

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
    return await new PullRun(request, hub, target, info, tree, selection, placeOf(root, selection.id)).run()
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
