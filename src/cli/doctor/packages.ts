import { spawn } from 'node:child_process'
import { builtEntry, PACKAGE_ROOT } from '../../config/index.ts'
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
    const why = await runProbe(name, signal)
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

/** @returns why the package does not work; undefined when it did not */
function runProbe(name: ProbedPackage, signal: AbortSignal): Promise<string | undefined> {
  signal.throwIfAborted()
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [builtEntry('cli/doctor/probe'), name], {
      cwd: PACKAGE_ROOT,
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: PROBE_MS,
      killSignal: 'SIGKILL',
      windowsHide: true,
    })
    let stderr = ''
    child.stderr.on('data', (chunk: Buffer) => {
      stderr = (stderr + chunk.toString('utf8')).slice(-10_000)
    })
    const stop = () => child.kill('SIGKILL')
    signal.addEventListener('abort', stop, { once: true })
    child.once('error', (error) => resolve(error.message))
    child.once('close', (code, by) => {
      signal.removeEventListener('abort', stop)
      if (signal.aborted) reject(signal.reason)
      else if (code === 0) resolve(undefined)
      else resolve(by ? `ended by ${by}` : reasonIn(stderr))
    })
  })
}

function reasonIn(stderr: string): string {
  const lines = stderr.split('\n').map((line) => line.trim())
  const error =
    lines.find((line) => /^(\w*Error\b|\[?\w+Error)/.test(line)) ?? lines.findLast((line) => line !== '')
  return error?.slice(0, 300) ?? 'no reason was given'
}
