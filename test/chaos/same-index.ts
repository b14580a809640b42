/** Compares the index that lived through chaos with one that a fresh server makes of the same files. */
import { setTimeout as sleep } from 'node:timers/promises'
import { indexed, search, statusOf } from '../support/api.ts'
import { type MadeUpTree, random } from '../support/made-up-tree.ts'
import { cosine, type IndexContent } from '../support/read-index.ts'

const FUNCTIONS = 3
/** As in the test of `nothing-lost`: dynamic int8 depends a little on batch mates. */
const SAME_VECTOR = 0.9995
const CAUGHT_UP_MS = 240_000

/** Changes, moves, deletes and adds files until `signal` ends it. */
export async function keepEditing(tree: MadeUpTree, seed: number, signal: AbortSignal): Promise<void> {
  const next = random(seed)
  const any = () => Math.floor(next() * tree.paths.length)
  while (!signal.aborted) {
    const what = next()
    if (what < 0.5) await tree.change(any(), FUNCTIONS)
    else if (what < 0.65) await tree.move(any())
    else if (what < 0.8 && tree.paths.length > 10) await tree.delete(any())
    else await tree.add(FUNCTIONS)
    await sleep(300 + next() * 700)
  }
}

/** Waits until the last of the edits is found. @throws Error when it is not, with the project's state */
export async function caughtUp(server: { url: string }, tree: MadeUpTree): Promise<void> {
  const marker = 'lastOfAllEditsMarker'
  await tree.write('src/last.ts', `export function ${marker}() {\n  return 'the end'\n}\n`)
  const startedMs = performance.now()
  while (!(await search(server, marker)).some(({ text }) => text.includes(marker))) {
    if (performance.now() - startedMs > CAUGHT_UP_MS)
      throw new Error(
        `the last edit is not found within ${CAUGHT_UP_MS} ms; status: ${JSON.stringify((await statusOf(server)).projects)}`,
      )
    await sleep(100)
  }
  await indexed(server)
}

/** @returns what differs, in words; empty: they are equal */
export function indexDifferences(kept: IndexContent, wanted: IndexContent): string[] {
  const wrong: string[] = []
  if (kept.integrity !== 'ok') wrong.push(`SQLite says of the index: ${kept.integrity}`)
  wrong.push(...listDifferences('file', kept.files, wanted.files))
  const shape = ({ vector: _, ...rest }: IndexContent['chunks'][number]) => JSON.stringify(rest)
  wrong.push(...listDifferences('chunk', kept.chunks.map(shape), wanted.chunks.map(shape)))
  if (wrong.length > 0) return wrong
  for (const [at, { path, vector }] of kept.chunks.entries()) {
    const other = wanted.chunks[at]!.vector
    if (!vector || !other) wrong.push(`${path} has a chunk without a vector`)
    else if (!(cosine(vector, other) >= SAME_VECTOR)) wrong.push(`${path}: cosine ${cosine(vector, other)}`)
  }
  return wrong
}

function listDifferences(what: string, kept: readonly string[], wanted: readonly string[]): string[] {
  const [have, want] = [new Set(kept), new Set(wanted)]
  const wrong = [
    ...kept.filter((each) => !want.has(each)).map((each) => `index: a ${what} too much: ${each}`),
    ...wanted.filter((each) => !have.has(each)).map((each) => `index: a ${what} is missing: ${each}`),
  ]
  if (kept.length !== wanted.length) wrong.push(`index: ${kept.length} ${what}s instead of ${wanted.length}`)
  return wrong.slice(0, 20)
}
