import { ENTRIES } from './entries.ts'
import { KnownModel } from './schema.ts'

export type { KnownModel } from './schema.ts'

/** Models that can be pulled by a short name, in the order in which they are shown. */
export const KNOWN_MODELS: readonly KnownModel[] = ENTRIES.map((entry) => KnownModel.parse(entry))

/** The known model that a repository holds; also by what a folder's `config.json` was made from. */
export function knownByRepository(repository: string): KnownModel | undefined {
  const wanted = repository.toLowerCase()
  return KNOWN_MODELS.find(({ sources }) => sources.some((each) => each.repository.toLowerCase() === wanted))
}
