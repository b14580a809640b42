/** Keys of the keychain, by the name of their entry: each reading starts a program, and a locked keychain asks its user. */
import { type KeychainOptions, readKeychain } from './keychain.ts'

/** After a reading that gave no key: whoever stores one, or unlocks the keychain, waits so long at most. */
const AGAIN_MS = 5 * 60_000

interface Reading {
  readonly key: Promise<string | undefined>
  untilMs: number
}

const readings = new Map<string, Reading>()

/** Reads an entry once in the life of this process; one that gave no key again later. Otherwise as `readKeychain`. */
export function keychainKey(name: string, options: KeychainOptions): Promise<string | undefined> {
  const before = readings.get(name)
  if (before && performance.now() < before.untilMs) return before.key
  const reading: Reading = { key: readKeychain(name, options), untilMs: Infinity }
  readings.set(name, reading)
  const gaveNone = () => {
    if (options.signal.aborted) readings.delete(name)
    else reading.untilMs = performance.now() + AGAIN_MS
  }
  reading.key.then((key) => key ?? gaveNone(), gaveNone)
  return reading.key
}
