import { spawn } from 'node:child_process'
import { PACKAGE_ROOT } from '../../config/index.ts'
import { type Check, failed, ok } from './check.ts'

/** Native packages, and a program that proves that each one's binary loads and works. */
const PROBES = [
  {
    name: 'onnxruntime-node',
    does: 'embeddings on the CPU',
    program: `const m = await import('onnxruntime-node'); if (!(m.InferenceSession ?? m.default.InferenceSession)) throw new Error('no InferenceSession')`,
  },
  {
    name: 'node-llama-cpp',
    does: 'chat',
    program: `const { getLlama } = await import('node-llama-cpp'); await (await getLlama({ build: 'never', gpu: false, logLevel: 'error' })).dispose()`,
  },
  {
    name: '@photostructure/sqlite',
    does: 'the index',
    program: `const m = await import('@photostructure/sqlite'); new (m.DatabaseSync ?? m.default.DatabaseSync)(':memory:').exec('create virtual table t using fts5(x)')`,
  },
  {
    name: '@ast-grep/napi',
    does: 'reading source code',
    program: `const { parse, Lang } = await import('@ast-grep/napi'); parse(Lang.TypeScript, 'const a = 1').root()`,
  },
  {
    name: '@parcel/watcher',
    does: 'seeing saved files',
    program: `const m = await import('@parcel/watcher'); if (!(m.subscribe ?? m.default.subscribe)) throw new Error('no subscribe')`,
  },
] as const

const PROBE_MS = 30_000

/** Loads every native package in a process of its own, so that a crash is a finding. */
export async function checkPackages(signal: AbortSignal): Promise<Check[]> {
  const checks: Check[] = []
  for (const probe of PROBES) {
    const why = await runProbe(probe.program, signal)
    const id = `package:${probe.name}`
    checks.push(
      why === undefined
        ? ok(id, probe.name, `loads (${probe.does})`)
        : failed(
            id,
            probe.name,
            `does not load (${probe.does}): ${why}`,
            'run `npm ci` again; it needs 64-bit Linux (glibc), Windows or macOS with Node 20.12 or newer',
          ),
    )
  }
  return checks
}

/** @returns why the program failed; undefined when it did not */
function runProbe(program: string, signal: AbortSignal): Promise<string | undefined> {
  signal.throwIfAborted()
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', `${program}\nprocess.exit(0)`], {
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
