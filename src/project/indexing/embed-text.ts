/** More is beyond every encoder's window. */
const MAX_CHARACTERS = 8000

/**
 * What is embedded for a chunk: the names that its lines do not show, then the lines.
 * Free of the path and of line endings, so that a moved file or another checkout keeps its vectors.
 */
export function embedTextOf(text: string, scope: readonly string[], symbol: string | undefined): string {
  const names = symbol === undefined || scope.at(-1) === symbol ? scope : [...scope, symbol]
  const unseen = names.filter((name) => !text.includes(name))
  const body = text.slice(0, MAX_CHARACTERS).replaceAll('\r', '').trim()
  return unseen.length > 0 ? `${unseen.join(' ').slice(0, 200)}\n${body}` : body
}
