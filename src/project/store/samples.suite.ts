/** Made-up files and vectors for the tests of a store: deterministic, so that two indexes can be compared. */
import { createHash } from 'node:crypto'
import type { ChunkRecord, FileRecord } from '../records.ts'
import type { IndexStore } from './contract.ts'

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

/** A unit vector that follows from a text alone. */
export function vectorOf(text: string, dimensions: number): Float32Array {
  let state = Number.parseInt(sha256(text).slice(0, 8), 16)
  const vector = Float32Array.from({ length: dimensions }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32 - 0.5
  })
  const length = Math.hypot(...vector)
  return vector.map((value) => value / length)
}

export interface ChunkOptions {
  readonly symbol?: string
  readonly scope?: readonly string[]
  readonly startLine?: number
  readonly embedText?: string
}

export function chunk(text: string, options: ChunkOptions = {}): ChunkRecord {
  const startLine = options.startLine ?? 1
  const scope = options.scope ?? []
  const embedText = options.embedText ?? `${[...scope, options.symbol ?? ''].join('.')}\n${text}`
  return {
    startLine,
    endLine: startLine + text.split('\n').length - 1,
    ...(options.symbol === undefined ? {} : { symbol: options.symbol }),
    scope,
    defines: options.symbol === undefined ? [] : [options.symbol],
    text,
    embedText,
    hash: sha256(embedText),
  }
}

export function file(
  path: string,
  chunks: readonly ChunkRecord[],
  changes: Partial<FileRecord> = {},
): FileRecord {
  const content = chunks.map(({ text }) => text).join('\n')
  return {
    path,
    sizeBytes: content.length,
    mtimeMs: 1_700_000_000_000,
    hash: sha256(content),
    language: 'typescript',
    role: 'source',
    chunks,
    ...changes,
  }
}

/** A file of a made-up tree; `version` changes some of its chunks. */
export function madeUpFile(number: number, version: number): FileRecord {
  const chunks = Array.from({ length: 1 + (number % 4) }, (_, at) => {
    const name = `handle${number}Part${at}`
    const body = at % 2 === 0 ? `return queue${number}.take(${at})` : `return version${version}(${number})`
    return chunk(`export function ${name}() {\n  ${body}\n}`, { symbol: name, startLine: 1 + at * 3 })
  })
  return file(`src/room${number % 7}/file${number}.ts`, chunks)
}

/** Embeds whatever lacks a vector. @returns how many texts were embedded */
export async function embedPending(store: IndexStore, dimensions: number, batch = 32): Promise<number> {
  for (let embedded = 0; ; ) {
    const texts = await store.pending(batch)
    if (texts.length === 0) return embedded
    const vectors = new Float32Array(texts.length * dimensions)
    for (const [row, { embedText }] of texts.entries())
      vectors.set(vectorOf(embedText, dimensions), row * dimensions)
    await store.putVectors(
      texts.map(({ hash }) => hash),
      vectors,
    )
    embedded += texts.length
  }
}
