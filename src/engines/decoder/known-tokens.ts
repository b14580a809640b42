import { TandemError } from '../../domain/index.ts'

/** @param vocabulary how many tokens the model has; @throws TandemError INVALID_REQUEST for an id of none */
export function knownTokens(tokens: readonly number[], vocabulary: number): void {
  const wrong = tokens.find((token) => token < 0 || token >= vocabulary)
  if (wrong === undefined) return
  const what = `tokens: ${wrong} is no token of this model; allowed: 0 to ${vocabulary - 1}`
  throw new TandemError('INVALID_REQUEST', { what }, { param: 'tokens' })
}
