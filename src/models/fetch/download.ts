import { type FileHandle, mkdir, open, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { asTandemError, TandemError } from '../../domain/index.ts'
import { contentName, digestProblem, digestsOf } from './digest.ts'
import { type Answer, connectionFailure } from './http.ts'
import { type Journal, missingRanges, type Range } from './journal.ts'
import { inParallel } from './pool.ts'
import { Passing, withRetries } from './retry.ts'
import type { RemoteFile, Source } from './source.ts'

export interface DownloadProgress {
  readonly file: string
  readonly phase: 'fetching' | 'verifying'
  /** Of all files; what was there before counts as done. */
  readonly doneBytes: number
  readonly totalBytes: number
  /** What came over the network in this run. */
  readonly fetchedBytes: number
}

export interface DownloadOptions {
  readonly source: Source
  readonly folder: string
  readonly journal: Journal
  readonly signal: AbortSignal
  readonly onProgress: (progress: DownloadProgress) => void
  /** Connections at once. */
  readonly parallel?: number
  readonly rangeBytes?: number
}

const RANGE_BYTES = 8 * 1024 * 1024
const PARALLEL = 4
/** So much must arrive before a cut counts as a new one. */
const PROGRESS_BYTES = 64 * 1024

/** Fetches files of one source into a folder, in ranges, and goes on where an earlier run stopped. */
export class Download {
  readonly #options: DownloadOptions
  readonly #done = new Map<string, number>()
  #totalBytes = 0
  #fetchedBytes = 0

  constructor(options: DownloadOptions) {
    this.#options = options
  }

  get fetchedBytes(): number {
    return this.#fetchedBytes
  }

  /** Bytes that are still to be fetched. */
  missingBytes(files: readonly RemoteFile[]): number {
    const missing = files.flatMap((file) => this.#missing(file, Number.POSITIVE_INFINITY))
    return missing.reduce((sum, { start, end }) => sum + end - start, 0)
  }

  /**
   * Fetches and verifies each file.
   * @returns SHA-256 by path
   * @throws TandemError DOWNLOAD_BAD, DISK_FULL; what the source makes of its failures; the signal's reason
   */
  async fetch(files: readonly RemoteFile[]): Promise<ReadonlyMap<string, string>> {
    const { rangeBytes = RANGE_BYTES, parallel = PARALLEL, signal } = this.#options
    const hashes = new Map<string, string>()
    this.#totalBytes += files.reduce((sum, file) => sum + file.sizeBytes, 0)
    const fetchOne = async (file: RemoteFile, stop: AbortSignal): Promise<void> => {
      hashes.set(file.path, await this.#file(file, stop))
    }
    const small = files.filter((file) => file.sizeBytes <= rangeBytes)
    await inParallel(small, parallel, signal, fetchOne)
    for (const file of files) if (!small.includes(file)) await fetchOne(file, signal)
    return hashes
  }

  async #file(file: RemoteFile, signal: AbortSignal): Promise<string> {
    const { folder, journal } = this.#options
    const path = join(folder, file.path)
    const content = contentName(file)
    let problem = ''
    for (let round = 0; round < 2; round++) {
      const known = journal.verified(file.path, content)
      const found = await stat(path).catch(() => undefined)
      if (known !== undefined && found?.size === file.sizeBytes) {
        this.#report(file, 'fetching', file.sizeBytes)
        return known
      }
      // what lies there and was not noted is of another revision, or a link to a file that is in use
      if (found && !journal.has(file.path, content)) await rm(path, { force: true })
      if (!found || !journal.has(file.path, content)) await journal.forget(file.path)
      await mkdir(dirname(path), { recursive: true })
      await this.#ranges(file, path, signal)
      const digests = await digestsOf(path, file.sizeBytes, signal, () =>
        this.#report(file, 'verifying', file.sizeBytes),
      )
      problem = digestProblem(file, digests) ?? ''
      if (problem === '') {
        await journal.addVerified(file.path, content, digests.sha256)
        return digests.sha256
      }
      await journal.forget(file.path)
      await rm(path, { force: true })
    }
    throw new TandemError('DOWNLOAD_BAD', { file: file.path, why: `twice ${problem}` })
  }

  async #ranges(file: RemoteFile, path: string, signal: AbortSignal): Promise<void> {
    const handle = await open(path, 'a').then(async (made) => {
      await made.close()
      return open(path, 'r+')
    })
    try {
      if ((await handle.stat()).size !== file.sizeBytes) await handle.truncate(file.sizeBytes)
      const [first, ...rest] = this.#missing(file)
      const missing = [first, ...rest].reduce((sum, each) => sum + (each ? each.end - each.start : 0), 0)
      this.#report(file, 'fetching', file.sizeBytes - missing)
      if (!first) return
      // one goes ahead: it shows whether the server can send parts, and where the file is stored
      const came = await this.#range(file, handle, first, true, signal)
      if (came === 'part')
        await inParallel(rest, this.#options.parallel ?? PARALLEL, signal, async (range, stop) => {
          await this.#range(file, handle, range, false, stop)
        })
    } finally {
      await handle.close()
    }
  }

  /** Fetches one range, going on within it after a cut. */
  async #range(
    file: RemoteFile,
    handle: FileHandle,
    range: Range,
    mayBeWhole: boolean,
    signal: AbortSignal,
  ): Promise<'part' | 'whole'> {
    const { source, journal } = this.#options
    let at = range.start
    let { end } = range
    let mark = at
    let came = 'part' as 'part' | 'whole' // set inside a closure
    try {
      await withRetries(
        async (progressed) => {
          const everything = at === 0 && end === file.sizeBytes
          const header = everything ? undefined : `bytes=${at}-${end - 1}`
          const answer = await source.open(file.path, header, signal)
          try {
            if (answer.response.status === 200 && header !== undefined) {
              if (!mayBeWhole) throw new Passing('it no longer sends parts of a file')
              this.#count(file, range.start - at) // from the start again
              at = 0
              end = file.sizeBytes
              came = 'whole'
              this.#report(file, 'fetching', 0)
            } else if (header !== undefined) checkRange(answer, at, file.sizeBytes)
            for await (const chunk of (answer.response.body ?? []) as AsyncIterable<Uint8Array>) {
              answer.touch()
              if (at + chunk.length > end) throw new Passing('it sent more bytes than were announced')
              await write(handle, chunk, at)
              at += chunk.length
              this.#fetchedBytes += chunk.length
              this.#count(file, chunk.length)
              if (at - mark >= PROGRESS_BYTES) {
                mark = at
                progressed()
              }
            }
            if (at < end) throw new Passing(`cut after ${at} of ${file.sizeBytes} bytes`)
          } catch (thrown) {
            if (thrown instanceof TandemError || thrown instanceof Passing) throw thrown
            throw connectionFailure(thrown)
          } finally {
            answer.close()
          }
        },
        { ...source.retry, signal },
      )
    } catch (thrown) {
      throw source.failure(thrown, file.path)
    }
    await journal.addRange(file.path, contentName(file), { start: came === 'whole' ? 0 : range.start, end })
    return came
  }

  #missing(file: RemoteFile, step = this.#options.rangeBytes ?? RANGE_BYTES): Range[] {
    const { journal } = this.#options
    const content = contentName(file)
    if (journal.verified(file.path, content) !== undefined) return []
    return missingRanges(journal.ranges(file.path, content), file.sizeBytes, step)
  }

  #count(file: RemoteFile, bytes: number): void {
    this.#report(file, 'fetching', (this.#done.get(file.path) ?? 0) + bytes)
  }

  #report(file: RemoteFile, phase: DownloadProgress['phase'], doneOfFile: number): void {
    this.#done.set(file.path, doneOfFile)
    const doneBytes = [...this.#done.values()].reduce((sum, bytes) => sum + bytes, 0)
    const { onProgress } = this.#options
    onProgress({
      file: file.path,
      phase,
      doneBytes,
      totalBytes: this.#totalBytes,
      fetchedBytes: this.#fetchedBytes,
    })
  }
}

function checkRange({ response }: Answer, at: number, sizeBytes: number): void {
  const given = response.headers.get('content-range') ?? ''
  const [, start, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(given) ?? []
  if (Number(start) !== at || (total !== '*' && Number(total) !== sizeBytes))
    throw new Passing(`it sent the range "${given}" where bytes from ${at} of ${sizeBytes} were asked for`)
}

async function write(handle: FileHandle, chunk: Uint8Array, at: number): Promise<void> {
  try {
    await handle.write(chunk, 0, chunk.length, at)
  } catch (thrown) {
    throw asTandemError(thrown)
  }
}
