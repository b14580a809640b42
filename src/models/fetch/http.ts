import { TandemError } from '../../domain/index.ts'
import { Passing, retryAfterMs } from './retry.ts'

/** A server that is asked. */
export interface Address {
  /** `https://huggingface.co`: its origin is the only one that gets the token. */
  readonly url: string
  readonly token?: string
  /** Milliseconds without a byte after which a connection counts as dead. */
  readonly stallMs?: number
}

const STALL_MS = 30_000
const MAX_REDIRECTS = 5

/** An answer whose body is still to be read; `touch` on every piece keeps the connection from counting as dead. */
export interface Answer {
  readonly response: Response
  /** Where the redirects ended. */
  readonly url: string
  readonly touch: () => void
  /** Ends the connection; also needed when the body was read. */
  readonly close: () => void
}

/**
 * One GET, redirects followed by hand: the token goes to the address's own origin and nowhere else.
 * @throws Passing when there is no connection, or it dies; TandemError CONFIG_INVALID, HUB_REFUSED; the signal's reason
 */
export async function get(
  to: Address,
  address: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Answer> {
  const origin = new URL(to.url).origin
  const { stallMs = STALL_MS } = to
  const dead = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const touch = (): void => {
    clearTimeout(timer)
    timer = setTimeout(() => dead.abort(new Error(`no byte for ${stallMs / 1000} s`)), stallMs)
  }
  const close = (): void => {
    clearTimeout(timer)
    dead.abort()
  }
  let url = new URL(address)
  try {
    for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
      touch()
      const own = url.origin === origin && to.token !== undefined
      const response = await fetch(url, {
        redirect: 'manual',
        signal: AbortSignal.any([signal, dead.signal]),
        headers: {
          'accept-encoding': 'identity', // a compressed range could not be put in its place
          'user-agent': 'tandem',
          ...headers,
          ...(own ? { authorization: `Bearer ${to.token}` } : {}),
        },
      })
      const location = response.headers.get('location')
      if (response.status < 300 || response.status > 399 || location === null)
        return { response, url: url.href, touch, close }
      await response.body?.cancel()
      const next = new URL(location, url)
      if (!/^https?:$/.test(next.protocol) || (url.protocol === 'https:' && next.protocol === 'http:'))
        throw refused(to, url, `it redirects to ${next.protocol}//, which is not trusted`)
      url = next
    }
    throw refused(to, url, `more than ${MAX_REDIRECTS} redirects`)
  } catch (thrown) {
    close()
    signal.throwIfAborted()
    if (thrown instanceof TandemError) throw thrown
    throw connectionFailure(thrown)
  }
}

/** What a broken connection means. */
export function connectionFailure(thrown: unknown): Passing {
  const chain = [thrown, thrown instanceof Error ? thrown.cause : undefined]
  const codes = chain.map((each) => (each as { code?: unknown } | undefined)?.code)
  const offline = codes.some((code) =>
    /^(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH|EHOSTUNREACH|UND_ERR_CONNECT_TIMEOUT)$/.test(
      String(code),
    ),
  )
  const messages = chain.flatMap((each) => (each instanceof Error && each.message ? [each.message] : []))
  return new Passing(messages.at(-1) ?? String(codes.at(-1) ?? thrown), { cause: thrown, offline })
}

/** @throws Passing for an answer that may be another one the next time */
export function throwIfPassing(response: Response): void {
  const { status, headers } = response
  if (status !== 408 && status !== 425 && status !== 429 && status < 500) return
  const waitMs = retryAfterMs(headers.get('retry-after'), Date.now())
  throw new Passing(`it answered ${status}`, { waitMs })
}

function refused(to: Address, url: URL, why: string): TandemError {
  return new TandemError('HUB_REFUSED', { hub: to.url, what: url.pathname, why })
}
