import { UsageError } from './failure.ts'
import type { Io } from './io.ts'

/** Bytes of standard input that are read at most. */
const MAX_STDIN_BYTES = 16 * 1024 * 1024

/**
 * The texts that were given as words; `-` is what comes on standard input.
 * @throws UsageError when it is to be read twice, or has too many bytes
 */
export async function textsOf(words: readonly string[], io: Io): Promise<string[]> {
  if (words.filter((word) => word === '-').length > 1)
    throw new UsageError('standard input can be read only once')
  return Promise.all(words.map((word) => (word === '-' ? readAll(io) : word)))
}

async function readAll({ stdin }: Io): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of stdin) {
    chunks.push(Buffer.from(chunk as Uint8Array))
    bytes += chunks.at(-1)!.length
    if (bytes > MAX_STDIN_BYTES) throw new UsageError(`standard input has more than ${MAX_STDIN_BYTES} bytes`)
  }
  return Buffer.concat(chunks).toString('utf8')
}
