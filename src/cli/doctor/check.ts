/** One thing that the doctor looked at. */
export interface Check {
  readonly id: string
  readonly title: string
  /** `failed`: something that Tandem needs; `warn`: it works, with less. */
  readonly state: 'ok' | 'warn' | 'failed'
  readonly found: string
  /** What to do; absent when all is well. */
  readonly advice?: string
}

export function ok(id: string, title: string, found: string): Check {
  return { id, title, state: 'ok', found }
}

export function warn(id: string, title: string, found: string, advice: string): Check {
  return { id, title, state: 'warn', found, advice }
}

export function failed(id: string, title: string, found: string, advice: string): Check {
  return { id, title, state: 'failed', found, advice }
}
