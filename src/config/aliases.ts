/** `models.aliases`: names that clients send, each with the id of the model that is meant. Pure. */
import { z } from 'zod'

const MAX_ALIASES = 256

export const Aliases = z
  .record(
    z.string().regex(/^[^*\s][^*]{0,199}$|^[^*]{0,199}\*[^*]{0,199}$/, 'a name with at most one `*`'),
    z.string().min(1, 'expected the id of a model').max(300),
  )
  .refine((all) => Object.keys(all).length <= MAX_ALIASES, `at most ${MAX_ALIASES} names are allowed`)
type Aliases = z.infer<typeof Aliases>

/** The id that a name stands for by itself, patterns left out. */
export function exactAlias(aliases: Aliases, name: string): string | undefined {
  return name.includes('*') || !Object.hasOwn(aliases, name) ? undefined : aliases[name]
}

/** The id that a name stands for; of several patterns that fit, the one with the most letters of its own. */
export function aliasOf(aliases: Aliases, name: string): string | undefined {
  const exact = exactAlias(aliases, name)
  if (exact !== undefined) return exact
  const [best] = Object.keys(aliases)
    .filter((pattern) => fits(pattern, name))
    .sort((a, b) => b.length - a.length)
  return best === undefined ? undefined : aliases[best]
}

function fits(pattern: string, name: string): boolean {
  const star = pattern.indexOf('*')
  if (star === -1) return false
  const [before, after] = [pattern.slice(0, star), pattern.slice(star + 1)]
  return name.length >= before.length + after.length && name.startsWith(before) && name.endsWith(after)
}

/** Names that are no patterns, in the order of the configuration. */
export function plainAliases(aliases: Aliases): readonly string[] {
  return Object.keys(aliases).filter((name) => !name.includes('*'))
}
