import { isLoopback } from '../../config/index.ts'
import { TandemError } from '../../domain/index.ts'
import type { Address } from '../fetch/index.ts'

/**
 * Checks the hub's address before a token is sent there.
 * @throws TandemError CONFIG_INVALID for a token over plain HTTP to another machine
 */
export function checkAddress({ url, token }: Address): void {
  const { protocol, hostname } = new URL(url)
  const loopback = isLoopback(hostname)
  if (token === undefined || protocol === 'https:' || loopback) return
  const what = `${url} is not encrypted, so the token is not sent there; allowed with a token: https://`
  throw new TandemError('CONFIG_INVALID', { where: 'hub.url', what })
}
