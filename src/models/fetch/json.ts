import { TandemError } from '../../domain/index.ts'
import { type Address, type Answer, connectionFailure, get, throwIfPassing } from './http.ts'
import { Passing, type RetryOptions, withRetries } from './retry.ts'

const MAX_BODY_BYTES = 32 * 1024 * 1024

export interface JsonAnswer {
  readonly body: unknown
  /** The header of that name. */
  readonly link: string | null
}

/**
 * One JSON document of at most 32 MiB.
 * @param refusal what an answer of the server is that no repetition changes
 * @param unreadable what a body is that is no JSON
 * @throws Passing when the attempts are used up; what the two functions made; the signal's reason
 */
export function getJson(
  address: Address & RetryOptions,
  url: string,
  refusal: (response: Response) => Error,
  unreadable: (cause: Error) => Error,
): Promise<JsonAnswer> {
  return withRetries(async () => {
    const answer = await get(address, url, { accept: 'application/json' }, address.signal)
    try {
      throwIfPassing(answer.response)
      if (!answer.response.ok) throw refusal(answer.response)
      const text = await readBounded(answer)
      return { body: JSON.parse(text) as unknown, link: answer.response.headers.get('link') }
    } catch (thrown) {
      if (thrown instanceof SyntaxError) throw unreadable(thrown)
      if (thrown instanceof TandemError || thrown instanceof Passing) throw thrown
      throw connectionFailure(thrown)
    } finally {
      answer.close()
    }
  }, address)
}

async function readBounded({ response, touch }: Answer): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    touch()
    bytes += chunk.length
    if (bytes > MAX_BODY_BYTES) throw new SyntaxError('more than is read')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
