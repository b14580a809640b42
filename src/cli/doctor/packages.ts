import { runProbeProcess } from '../../engines/index.ts'
import { type Check, failed, ok } from './check.ts'
import { PROBED_PACKAGES, type ProbedPackage } from './probed-packages.ts'

const NEEDED_FOR: Readonly<Record<ProbedPackage, string>> = {
  'onnxruntime-node': 'embeddings on the CPU',
  'node-llama-cpp': 'chat',
  '@photostructure/sqlite': 'the index',
  '@ast-grep/napi': 'reading source code',
  '@parcel/watcher': 'seeing saved files',
}

const PROBE_MS = 30_000

/** Loads every native package in a process of its own, so that a crash is a finding. */
export async function checkPackages(signal: AbortSignal): Promise<Check[]> {
  const checks: Check[] = []
  for (const name of PROBED_PACKAGES) {
    const { why } = await runProbeProcess('cli/doctor/probe', [name], { limitMs: PROBE_MS, signal })
    const id = `package:${name}`
    checks.push(
      why === undefined
        ? ok(id, name, `loads (${NEEDED_FOR[name]})`)
        : failed(
            id,
            name,
            `does not load (${NEEDED_FOR[name]}): ${why}`,
            'run `npm ci` again; it needs 64-bit Linux (glibc), Windows or macOS with Node 20.12 or newer',
          ),
    )
  }
  return checks
}
