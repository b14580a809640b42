/** The first release whose C functions take properties as an array: the older variadic ones cannot run on another thread. */
export const MIN_VERSION = '2026.4'

/** Compares release numbers; what follows them (`-22201-abc`) does not count. */
export function isVersionAtLeast(version: string, least: string): boolean {
  const parts = (text: string) => (/^[\d.]+/.exec(text)?.[0] ?? '').split('.').map(Number)
  const found = parts(version)
  for (const [i, wanted] of parts(least).entries()) {
    const part = found[i] ?? 0
    if (part !== wanted) return part > wanted
  }
  return true
}
