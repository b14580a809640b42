// The most that ONNX Runtime gives on this machine: a bare session, everything prepared before the clock starts.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { PACKAGE_ROOT } from '../../dist/config/index.js'
import { sessionOptions } from '../../dist/engines/onnxruntime/model.js'
import { createEncoderTokenizer } from '../../dist/engines/text/index.js'
import { loadCatalogue } from '../../dist/models/index.js'

const BATCH_SIZES = [1, 2, 4, 8, 16, 32]

export async function embeddingModel() {
  return (await loadCatalogue([join(PACKAGE_ROOT, 'models')])).find('tandem-embed-small')
}

/** Counts a text's tokens as the embedding model does, special tokens included, up to its limit. */
async function tokenCounter() {
  const tokenizer = tokenizerOf(await embeddingModel())
  return (text) => tokenizer.encode(text, 'passage').ids.length
}

/**
 * Stretches of real source code (TypeScript's compiler), each once.
 * @param {number} count @param {{ minTokens?: number, maxTokens?: number }} [limits]
 */
export async function codeTexts(count, { minTokens = 100, maxTokens = 150 } = {}) {
  const tokens = await tokenCounter()
  const source = join(PACKAGE_ROOT, 'node_modules', 'typescript', 'lib', 'typescript.js')
  const lines = readFileSync(source, 'utf8').split('\n')
  const texts = []
  for (let at = 2_000; at < lines.length && texts.length < count; ) {
    let size = 4
    while (size < 40 && tokens(lines.slice(at, at + size).join('\n')) < minTokens) size++
    const text = lines.slice(at, at + size).join('\n')
    const length = tokens(text)
    if (length >= minTokens && length <= maxTokens) texts.push(text)
    at += size
  }
  if (texts.length < count) throw new Error(`only ${texts.length} texts of ${minTokens}-${maxTokens} tokens`)
  return texts
}

/**
 * Opens the bare session. `measure` runs all texts once, sorted by length, in batches of one fixed size;
 * `best` tries several sizes and keeps the fastest, which is the limit that everything else is compared with.
 * @param {readonly string[]} texts @param {number} threads
 */
export async function openRaw(texts, threads = 1) {
  const model = await embeddingModel()
  const tokenizer = tokenizerOf(model)
  const rows = texts.map((text) => tokenizer.encode(text, 'passage').ids).sort((a, b) => a.length - b.length)
  const weights = model.files.onnx.find((file) => file.path.endsWith('.onnx'))
  const session = await InferenceSession.create(join(model.folder, weights.path), sessionOptions(threads))
  const batches = new Map(BATCH_SIZES.map((size) => [size, feedsOf(rows, size)]))
  await session.run(batches.get(8)[0])

  /** @param {number} size @returns {Promise<number>} docs/s */
  async function measure(size) {
    const started = performance.now()
    for (const feeds of batches.get(size)) await session.run(feeds)
    return (rows.length / (performance.now() - started)) * 1000
  }
  /** @returns {Promise<{ docsPerSecond: number, batchSize: number }>} */
  async function best(sizes = BATCH_SIZES) {
    const runs = []
    for (const batchSize of sizes) runs.push({ batchSize, docsPerSecond: await measure(batchSize) })
    return runs.reduce((a, b) => (b.docsPerSecond > a.docsPerSecond ? b : a))
  }
  return { measure, best, close: () => session.release() }
}

function tokenizerOf(model) {
  const json = readFileSync(join(model.folder, 'tokenizer.json'), 'utf8')
  return createEncoderTokenizer(json, model.embedding.text, model.contextTokens)
}

function feedsOf(rows, size) {
  const batches = []
  for (let at = 0; at < rows.length; at += size) batches.push(rows.slice(at, at + size))
  return batches.map((batch) => {
    const width = Math.max(...batch.map((row) => row.length))
    const shape = [batch.length, width]
    const ids = new BigInt64Array(batch.length * width)
    const mask = new BigInt64Array(batch.length * width)
    for (const [r, row] of batch.entries()) {
      ids.set(row.map(BigInt), r * width)
      mask.fill(1n, r * width, r * width + row.length)
    }
    return {
      input_ids: new Tensor('int64', ids, shape),
      attention_mask: new Tensor('int64', mask, shape),
      token_type_ids: new Tensor('int64', new BigInt64Array(ids.length), shape),
    }
  })
}
