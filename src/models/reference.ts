/**
 * Texts whose vectors are known: an engine may serve a model only when it reproduces them, for whatever it embeds may enter an index.
 * A model brings them along (`tandem.reference.json`), else the first engine that serves it here makes them.
 */
import { randomBytes } from 'node:crypto'
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { type EmbedOutput, type Model, TandemError } from '../domain/index.ts'

/** Two engines with different rounding stay above; another model, pooling or tokenizer falls below. */
const MIN_COSINE = 0.99

/** Short and long, prose and code: what goes wrong does so on some of them. */
const TEXTS = [
  'where is the request queue bounded?',
  'cancel',
  'export async function parseConfig(path: string): Promise<Config> {\n  return JSON.parse(await readFile(path, "utf8"))\n}',
  'def a_star(graph, start, goal):\n    # a+b < c | d > e\n    return sorted(graph[start], key=lambda n: n.cost)',
  'The quick brown fox jumps over the lazy dog, and is then refused because the queue is full. '.repeat(6),
  'Grüße, naïve façade; 東京 ☃ 1234567890',
]

const File = z.strictObject({
  madeBy: z.string().min(1),
  dimensions: z.int().min(1),
  entries: z
    .array(z.strictObject({ text: z.string(), vector: z.base64().describe('little-endian float32') }))
    .min(1)
    .max(64),
})
type Reference = z.infer<typeof File>

export interface AdmissionOptions {
  readonly model: Model
  /** Folder of everything that Tandem keeps. */
  readonly home: string
  /** `openvino on HETERO:CPU`: named when it is refused, and as the maker of new references. */
  readonly placement: string
}

/**
 * Compares an engine's vectors with the model's references; makes the references when there are none.
 * @throws TandemError VECTOR_MISMATCH with the lowest cosine, or what `embed` threw
 */
export async function admitVectors(
  { model, home, placement }: AdmissionOptions,
  embed: (texts: readonly string[]) => Promise<EmbedOutput>,
): Promise<void> {
  const own = join(home, 'references', `${model.fingerprint}.json`)
  const files = [join(model.folder, 'tandem.reference.json'), own]
  for (const file of files) {
    const reference = await readReference(file)
    if (reference) return compare(reference, file, placement, embed)
  }
  const made = toReference(await embed(TEXTS), placement)
  if (await keepFirst(own, made)) return
  const other = await readReference(own)
  if (other) await compare(other, own, placement, embed)
}

async function compare(
  { entries, dimensions, madeBy }: Reference,
  file: string,
  placement: string,
  embed: (texts: readonly string[]) => Promise<EmbedOutput>,
): Promise<void> {
  const output = await embed(entries.map((entry) => entry.text))
  const cosines = entries.map(({ vector }, row) => {
    const bytes = Buffer.from(vector, 'base64')
    const expected = new Float32Array(new Uint8Array(bytes).buffer)
    return cosine(expected, output.vectors.subarray(row * output.dimensions, (row + 1) * output.dimensions))
  })
  const lowest = output.dimensions === dimensions ? Math.min(...cosines) : 0
  if (lowest >= MIN_COSINE) return
  throw new TandemError('VECTOR_MISMATCH', { engine: placement, cosine: lowest.toFixed(4), madeBy, file })
}

function cosine(a: Float32Array, b: Float32Array): number {
  let [dot, aa, bb] = [0, 0, 0]
  for (let d = 0; d < a.length; d++) {
    dot += a[d]! * b[d]!
    aa += a[d]! * a[d]!
    bb += b[d]! * b[d]!
  }
  return aa > 0 && bb > 0 ? dot / Math.sqrt(aa * bb) : 0
}

function toReference({ vectors, dimensions }: EmbedOutput, madeBy: string): Reference {
  const entries = TEXTS.map((text, row) => {
    const vector = vectors.slice(row * dimensions, (row + 1) * dimensions)
    return { text, vector: Buffer.from(vector.buffer).toString('base64') }
  })
  return { madeBy, dimensions, entries }
}

/** A file that cannot be read is set aside: it would otherwise keep every engine from serving. */
async function readReference(file: string): Promise<Reference | undefined> {
  const json = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
    throw error
  })
  if (json === undefined) return undefined
  try {
    return File.parse(JSON.parse(json))
  } catch {
    await rename(file, `${file}.broken`)
    return undefined
  }
}

/** Two engines may start at once: the first one's vectors stay. @returns whether these did */
async function keepFirst(file: string, reference: Reference): Promise<boolean> {
  await mkdir(dirname(file), { recursive: true })
  const aside = `${file}.${randomBytes(4).toString('hex')}.tmp`
  await writeFile(aside, `${JSON.stringify(reference, null, 2)}\n`)
  try {
    await link(aside, file)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    await rm(aside, { force: true })
  }
}
