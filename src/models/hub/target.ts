import { nearestNames } from '../../config/index.ts'
import { TandemError } from '../../domain/index.ts'
import { KNOWN_MODELS, type KnownModel, knownByRepository } from '../known/index.ts'
import type { WeightFormat } from '../layouts/weights.ts'

/** What a name stands for. */
export interface PullTarget {
  readonly repository: string
  readonly revision: string
  /** Id in the catalogue; a further choice of weights gets a suffix. */
  readonly id: string
  readonly known?: KnownModel
  /** The format that was asked for, or that the known source holds. */
  readonly format?: WeightFormat
  /** Patterns of weights, in order of preference. */
  readonly preferred: readonly string[]
}

const REPOSITORY = /^[A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*$/
const REVISION = /^(?!.*\.\.)[\w./-]{1,200}$/

/**
 * Reads `NAME[@REVISION]`, where NAME is a known id or `OWNER/NAME`.
 * @throws TandemError MODEL_NOT_FOUND with the nearest known names, INVALID_REQUEST for a format that a known model has not
 */
export function pullTarget(name: string, format: WeightFormat | undefined): PullTarget {
  const at = name.indexOf('@')
  const bare = at < 0 ? name : name.slice(0, at)
  const revision = at < 0 ? undefined : name.slice(at + 1)
  if (revision !== undefined && !REVISION.test(revision))
    throw new TandemError('INVALID_REQUEST', {
      what: `"${revision}" is no revision; give a branch, a tag or a commit after the @`,
    })
  const byId = KNOWN_MODELS.find(({ id }) => id === bare.toLowerCase())
  const known = byId ?? (REPOSITORY.test(bare) ? knownByRepository(bare) : undefined)
  if (!known && !REPOSITORY.test(bare)) {
    const nearest = nearestKnown(bare)
    throw new TandemError('MODEL_NOT_FOUND', { model: bare, ...(nearest ? { nearest } : {}) })
  }
  if (!known)
    return {
      repository: bare,
      revision: revision ?? 'main',
      id: bare,
      preferred: [],
      ...(format ? { format } : {}),
    }
  const candidates = known.sources.filter(
    ({ repository }) => byId !== undefined || repository.toLowerCase() === bare.toLowerCase(),
  )
  const source = candidates.find((each) => format === undefined || each.format === format)
  const first = known.sources[0]!
  if (!source && byId)
    throw new TandemError('INVALID_REQUEST', {
      what: `${known.id} is known as ${known.sources.map((each) => each.format).join(', ')}, not as ${format}; any repository can be named: OWNER/NAME`,
    })
  const repository = source?.repository ?? candidates[0]!.repository
  return {
    repository,
    revision: revision ?? source?.revision ?? 'main',
    id: repository === first.repository ? known.id : `${known.id}:${source?.format ?? format}`,
    known,
    preferred: source?.files ?? [],
    ...(format ? { format } : source && byId ? { format: source.format } : {}),
  }
}

/** Known ids and repositories that a person may have meant. */
export function nearestKnown(name: string): string {
  const repositories = KNOWN_MODELS.flatMap(({ sources }) => sources.map(({ repository }) => repository))
  const ids = KNOWN_MODELS.map(({ id }) => id)
  return nearestNames(name, name.includes('/') ? [...new Set(repositories)] : ids).join(', ')
}
