// Changes an index without end, until it is killed: node endless-writer.js STORE_MODULE FOLDER DIMENSIONS SEED
// It puts, changes and removes files and embeds what lacks a vector; it is plain JavaScript because Node starts it.
import { createHash } from 'node:crypto'
import { pathToFileURL } from 'node:url'

const [storeModule, folder, dimensions, seed] = process.argv.slice(2)
const { openEmbeddedStore } = await import(pathToFileURL(storeModule).href)
const store = await openEmbeddedStore(folder, { fingerprint: 'killed', dimensions: Number(dimensions) })
const sha256 = (text) => createHash('sha256').update(text).digest('hex')

function madeUp(number, version) {
  const chunks = Array.from({ length: 3 }, (_, at) => {
    const text = `function job${number}_${at}() {\n  return ${at === 1 ? version : 0}\n}`
    return {
      startLine: 1 + at * 3,
      endLine: 3 + at * 3,
      symbol: `job${number}_${at}`,
      scope: [],
      defines: [`job${number}_${at}`],
      text,
      embedText: text,
      hash: sha256(text),
    }
  })
  return {
    path: `src/file${number}.ts`,
    sizeBytes: 100,
    mtimeMs: version,
    hash: sha256(`${number} ${version}`),
    language: 'typescript',
    role: 'source',
    chunks,
  }
}

console.log('writing')
for (let round = Number(seed); ; round += 1) {
  const at = (round * 7919) % 60
  await store.putFiles([madeUp(at, round), madeUp((at + 20) % 60, round)])
  await store.removeFiles([`src/file${(at + 40) % 60}.ts`])
  const texts = await store.pending(8)
  const vectors = new Float32Array(texts.length * Number(dimensions)).fill(1 / Math.sqrt(Number(dimensions)))
  await store.putVectors(
    texts.map(({ hash }) => hash),
    vectors,
  )
}
