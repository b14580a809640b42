/** A number of a profile: somebody published or reported it, or it is our estimate and says why. */
export type Figure =
  | { readonly value: number; readonly source: string }
  | { readonly value: number; readonly estimate: true; readonly why: string }

export function known(value: number, source: string): Figure {
  return { value, source }
}

export function estimated(value: number, why: string): Figure {
  return { value, estimate: true, why }
}

export function isEstimate(...figures: readonly Figure[]): boolean {
  return figures.some((figure) => 'estimate' in figure)
}
