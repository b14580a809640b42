import type { Sampling } from '../../domain/index.ts'
import type { ModelEntry } from '../deps.ts'

/** The manifest's defaults where the request sets none. */
export function withTraits<T extends { readonly sampling: Sampling }>(
  asked: T,
  { chat: traits }: ModelEntry,
): T {
  const { temperature, maxTokens } = traits ?? {}
  const defaults = {
    ...(temperature === undefined ? {} : { temperature }),
    ...(maxTokens === undefined ? {} : { maxTokens }),
  }
  return { ...asked, sampling: { ...defaults, ...asked.sampling } }
}
