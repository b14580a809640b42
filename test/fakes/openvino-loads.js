// Loads, asks and unloads a model again and again: `node openvino-loads.js SPEC_JSON TIMES`.
// Prints the resident memory in bytes after each tenth time, one number a line.
import { engine } from '../../dist/engines/openvino/child.js'

const [specJson, times] = process.argv.slice(2)
const { signal } = new AbortController()
for (let time = 1; time <= Number(times); time++) {
  const loaded = await engine.load(JSON.parse(specJson))
  const texts = ['a text', 'another text '.repeat(40)]
  await (loaded.kind === 'scorer' ? loaded.score(texts, signal) : loaded.embed(texts, 'passage', signal))
  await loaded.dispose()
  if (time % 10 > 0) continue
  globalThis.gc()
  process.stdout.write(`${process.memoryUsage.rss()}\n`)
}
process.exit(0)
