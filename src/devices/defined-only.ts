type Defined<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> }

/** What nobody tells is absent, not undefined. */
export function definedOnly<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>
}
