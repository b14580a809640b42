// Python programs that Tandem is compared with: an environment of their own in the checkout's cache, made on first use.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { PACKAGE_ROOT } from '../../dist/config/index.js'

const BASELINES = join(PACKAGE_ROOT, 'bench', 'baselines')
const VENV = join(PACKAGE_ROOT, '.cache', 'bench-python')
const python = join(VENV, ...(process.platform === 'win32' ? ['Scripts', 'python.exe'] : ['bin', 'python']))

function must(command, args) {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${error?.message ?? status}`)
}

function prepareEnvironment() {
  const wanted = readFileSync(join(BASELINES, 'requirements.txt'), 'utf8')
  const done = join(VENV, 'installed.txt')
  if (existsSync(done) && readFileSync(done, 'utf8') === wanted) return
  console.error('installing the Python packages of the baselines (once) ...')
  must(process.platform === 'win32' ? 'python' : 'python3', ['-m', 'venv', VENV])
  must(python, ['-m', 'pip', 'install', '--quiet', '-r', join(BASELINES, 'requirements.txt')])
  writeFileSync(done, wanted)
}

/**
 * Starts a baseline; it answers each line with a line.
 * @param {string} name @param {string[]} args
 */
export function startBaseline(name, args) {
  prepareEnvironment()
  const child = spawn(python, [join(BASELINES, name), ...args], { stdio: ['pipe', 'pipe', 'ignore'] })
  const exited = new Promise((resolve) => child.once('exit', resolve))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    async line() {
      const { value, done } = await lines.next()
      if (done) throw new Error(`${name} ended: run it by hand to see why`)
      return value
    },
    send: (line) => child.stdin.write(`${line}\n`),
    async stop() {
      child.kill()
      await exited
    },
  }
}
