/** A process of its own that loads one native package and uses it once: `node probe.js NAME`; exit code 0 when it works. */
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PROBED_PACKAGES, type ProbedPackage } from './probed-packages.ts'

const PROBES: Readonly<Record<ProbedPackage, () => Promise<unknown>>> = {
  'onnxruntime-node': async () => {
    const ort = await import('onnxruntime-node')
    return new ort.Tensor('float32', [0], [1]) // loading it opened the library
  },
  'node-llama-cpp': async () => {
    const { getLlama, LlamaLogLevel } = await import('node-llama-cpp')
    const llama = await getLlama({
      gpu: false,
      build: 'never',
      skipDownload: true,
      usePrebuiltBinaries: true,
      logLevel: LlamaLogLevel.error,
    })
    return llama.dispose()
  },
  '@photostructure/sqlite': async () => {
    const { DatabaseSync } = await import('@photostructure/sqlite')
    return new DatabaseSync(':memory:').exec('create virtual table t using fts5(x)')
  },
  '@ast-grep/napi': async () => {
    const { Lang, parse } = await import('@ast-grep/napi')
    return parse(Lang.TypeScript, 'const a = 1').root().kind()
  },
  '@parcel/watcher': async () => {
    const { default: watcher } = await import('@parcel/watcher')
    const subscription = await watcher.subscribe(dirname(fileURLToPath(import.meta.url)), () => undefined)
    return subscription.unsubscribe()
  },
}

const name = PROBED_PACKAGES.find((known) => known === process.argv[2])
if (!name) throw new Error(`give one of ${PROBED_PACKAGES.join(', ')}`)
await PROBES[name]()
process.exit(0)
