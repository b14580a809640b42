import { closeSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

const MAX_BYTES = 2 * 1024 * 1024

/** What a server prints, kept for a person: the file and the one before it, so much of each at most. A full disk ends the keeping. */
export class LogFile {
  readonly path: string
  readonly #maxBytes: number
  #file: number | undefined
  #size = 0

  constructor(path: string, maxBytes = MAX_BYTES) {
    this.path = path
    this.#maxBytes = maxBytes
    this.#attempt(() => {
      mkdirSync(dirname(path), { recursive: true })
      this.#open()
    })
  }

  write(text: string): void {
    this.#attempt(() => {
      if (this.#file === undefined) return
      const bytes = Buffer.from(text)
      if (this.#size > 0 && this.#size + bytes.length > this.#maxBytes) {
        this.close()
        renameSync(this.path, `${this.path}.1`)
        this.#open()
      }
      this.#size += writeSync(this.#file, bytes)
    })
  }

  close(): void {
    const file = this.#file
    this.#file = undefined
    if (file !== undefined) closeSync(file)
  }

  #open(): void {
    this.#file = openSync(this.path, 'a', 0o600)
    this.#size = fstatSync(this.#file).size
  }

  #attempt(work: () => void): void {
    try {
      work()
    } catch (thrown) {
      try {
        this.close()
      } catch {
        // closed all the same; the first reason is told
      }
      process.stderr.write(`${this.path} is not kept: ${(thrown as Error).message}\n`)
    }
  }
}
