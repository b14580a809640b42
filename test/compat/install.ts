/** Installs the clients into a folder of their own, again where another version is wanted. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const CLIENTS = fileURLToPath(new URL('clients', import.meta.url))
const FOLDER = fileURLToPath(new URL('../../.cache/compat', import.meta.url))

export interface Installed {
  /** Folder of the scripts, beside what they import. */
  readonly scripts: string
  /** Absent: there is no Python here. */
  readonly python?: string
}

/**
 * @param say hears of work that takes a while
 * @throws Error when the registry cannot be reached
 */
export async function installClients(say: (text: string) => void): Promise<Installed> {
  const scripts = join(FOLDER, 'clients')
  await mkdir(FOLDER, { recursive: true })
  await rm(scripts, { recursive: true, force: true })
  await cp(CLIENTS, scripts, { recursive: true })
  await whenChanged('package.json', async () => {
    say('installing the clients for Node')
    await cp(join(CLIENTS, 'package.json'), join(FOLDER, 'package.json'))
    const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
    await run(npm, ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--no-package-lock'])
  })
  const python = await pythonClients(say)
  return { scripts, ...(python === undefined ? {} : { python }) }
}

async function pythonClients(say: (text: string) => void): Promise<string | undefined> {
  const windows = process.platform === 'win32'
  const system = windows ? 'python' : 'python3'
  if (!(await works(system, ['-c', 'import venv, ensurepip']))) return undefined
  const venv = join(FOLDER, 'python')
  const python = windows ? join(venv, 'Scripts', 'python.exe') : join(venv, 'bin', 'python')
  await whenChanged('requirements.txt', async () => {
    say('installing the clients for Python')
    await run(system, ['-m', 'venv', '--clear', venv])
    await run(python, ['-m', 'pip', 'install', '--quiet', '-r', join(CLIENTS, 'requirements.txt')])
  })
  return python
}

/** Remembers what a list of packages was when it was last installed. */
async function whenChanged(list: string, install: () => Promise<void>): Promise<void> {
  const mark = join(FOLDER, `${list}.installed`)
  const [wanted, have] = await Promise.all([
    readFile(join(CLIENTS, list), 'utf8'),
    readFile(mark, 'utf8').catch(() => ''),
  ])
  if (wanted === have) return
  await install()
  await writeFile(mark, wanted)
}

async function run(command: string, args: readonly string[]): Promise<void> {
  const child = spawn(command, args, { cwd: FOLDER, stdio: ['ignore', 'ignore', 'inherit'] })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}`)
}

async function works(command: string, args: readonly string[]): Promise<boolean> {
  const child = spawn(command, args, { stdio: 'ignore' })
  try {
    const [code] = await once(child, 'close')
    return code === 0
  } catch {
    return false
  }
}
