/** The vector of a text: deterministic, unit length. */
export function vectorOf(input: string | readonly number[]): Float32Array
/** The scores of a text or pair: `width` numbers that depend on it alone. */
export function scoresOf(
  input: string | { readonly query: string; readonly text: string },
  width: number,
): Float32Array
