/** The vector of a text: deterministic, unit length. */
export function vectorOf(input: string | readonly number[]): Float32Array
