import type { Answer } from './http.ts'
import type { RetryOptions } from './retry.ts'

/** A file that a server announced, before any of it is here. */
export interface RemoteFile {
  /** Below the folder that it is fetched into, `/` between folders. */
  readonly path: string
  readonly sizeBytes: number
  /** Of the content. */
  readonly sha256?: string
  /** Git's name of the content: sha1 of a header and the content. */
  readonly gitSha1?: string
}

/** A place that files are fetched from. */
export interface Source {
  readonly retry: RetryOptions
  /**
   * Opens a file's content, from a byte on where a range is given. The answer's status is 200 (whole) or 206 (part).
   * @throws Passing, what the source says of a refusal, the signal's reason
   */
  open(path: string, range: string | undefined, signal: AbortSignal): Promise<Answer>
  /** What a failure that is left after all retries is for a person. */
  failure(thrown: unknown, path: string): unknown
}
