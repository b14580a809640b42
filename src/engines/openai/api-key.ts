/** Where the configuration says that a server's API key is, and the key itself. */
import type { AdoptedServer } from '../../domain/index.ts'
import { keychainKey } from './key-memory.ts'
import { storingCommand } from './keychain.ts'

type Keeper = Pick<AdoptedServer, 'apiKeyEnv' | 'apiKeyKeychain'>

const ENV = 'env:'
const KEYCHAIN = 'keychain:'

/** @param given `env:NAME` or `keychain:NAME` */
export function keeperOf(given: string | undefined): Keeper {
  if (given === undefined) return {}
  return given.startsWith(KEYCHAIN)
    ? { apiKeyKeychain: given.slice(KEYCHAIN.length) }
    : { apiKeyEnv: given.slice(ENV.length) }
}

/**
 * @returns undefined where the server has none
 * @throws Error one clause that says where it is to be, and nothing of it; the signal's reason
 */
export async function apiKeyOf(
  { apiKeyEnv, apiKeyKeychain: name }: Keeper,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (name !== undefined) {
    const { platform } = process
    const where = `is to be in the system's keychain as ${name}`
    const key = await keychainKey(name, { env, platform, signal }).catch((thrown: Error) => {
      if (signal.aborted) throw thrown
      throw new Error(`${where}, and ${thrown.message}`)
    })
    if (key === undefined)
      throw new Error(
        `${where}, which has no such entry; store it with \`${storingCommand(name, platform)}\``,
      )
    return key
  }
  if (apiKeyEnv === undefined) return undefined
  const key = env[apiKeyEnv]
  if (!key) throw new Error(`is to be in the variable ${apiKeyEnv}, which is not set`)
  return key
}
