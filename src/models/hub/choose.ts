import type { WeightSet } from '../layouts/weights.ts'

/** The weights to fetch, or the candidates among which a person must choose. */
export type Choice =
  | { readonly chosen: WeightSet; readonly others: readonly WeightSet[] }
  | { readonly candidates: readonly WeightSet[]; readonly why: string }

/**
 * Chooses one set of weights.
 * @param sets the preferred first
 * @param pattern what a person asked for: a label, a part of a path, or a pattern with `*`
 * @param preferred patterns of a known entry, in order
 */
export function chooseWeights(
  sets: readonly WeightSet[],
  pattern: string | undefined,
  preferred: readonly string[],
): Choice {
  if (pattern !== undefined) {
    const exact = sets.filter(({ label }) => label.toLowerCase() === pattern.toLowerCase())
    const matching = exact.length > 0 ? exact : sets.filter((set) => matches(set, pattern))
    if (matching.length === 0) return { candidates: sets, why: `nothing matches "${pattern}"` }
    return only(sets, matching, `several match "${pattern}"`)
  }
  for (const each of preferred) {
    const matching = sets.filter((set) => matches(set, each))
    if (matching.length > 0) return only(sets, matching, 'several would do')
  }
  const best = sets.filter(({ rank }) => rank === sets[0]?.rank)
  return only(sets, best, 'none is the obvious one')
}

/** Several are one when they are the same weights, once whole and once in parts. */
function only(sets: readonly WeightSet[], matching: readonly WeightSet[], why: string): Choice {
  const [chosen] = matching
  const same = matching.every(({ label }) => label === chosen?.label)
  const tied = matching.filter(({ files }) => files.length === chosen?.files.length)
  if (!chosen || (matching.length > 1 && (!same || tied.length > 1))) return { candidates: matching, why }
  return { chosen, others: sets.filter((set) => set.label !== chosen.label) }
}

function matches({ files, label }: WeightSet, pattern: string): boolean {
  const escaped = pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')
  const expression = pattern.includes('*') ? `^${escaped}$` : escaped
  const test = new RegExp(expression, 'i')
  return [label, ...files, ...files.map((path) => path.slice(path.lastIndexOf('/') + 1))].some((name) =>
    test.test(name),
  )
}
