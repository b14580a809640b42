/**
 * The folders and the name of an archive's entry below the folder that it is unpacked into.
 * @returns none for the folder itself
 * @throws Error for a name that leads elsewhere
 */
export function safeParts(name: string): string[] {
  // a backslash separates folders on Windows, a colon names a drive or a stream of a file there
  if (/^\/|[\\:\0]/.test(name))
    throw new Error(`${JSON.stringify(name)} is no path below the archive's folder`)
  const parts = name.split('/').filter((part) => part !== '' && part !== '.')
  if (parts.includes('..')) throw new Error(`${JSON.stringify(name)} leaves the archive's folder`)
  return parts
}
