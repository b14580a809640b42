import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, readdir, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type Pinned, type PinnedWheel, wheelName } from './pinned.ts'
import { type Python, SAFE_FOLDER } from './python.ts'

const LOOK_EVERY_MS = 250
const LONGEST_MS = 60 * 60 * 1000
const MAX_OUTPUT = 20_000

export interface DownloadOptions {
  readonly pinned: Pinned
  readonly wheel: PinnedWheel
  readonly python: Python
  /** More for pip's command line: another index, a folder of wheels. */
  readonly pipArgs: readonly string[]
  /** Empty, on the disk of the destination; the caller removes it. */
  readonly work: string
  readonly env: NodeJS.ProcessEnv
  /** Bytes that are here so far. */
  readonly onBytes: (bytes: number) => void
  readonly signal: AbortSignal
}

/**
 * Lets pip fetch the wheel, whatever Python it is for.
 * @returns its file below `work`
 * @throws Error with pip's own reason; the signal's reason
 */
export async function downloadWheel(options: DownloadOptions): Promise<string> {
  const { pinned, wheel, python, work, env, onBytes, signal } = options
  const [temporary, destination] = [join(work, 'tmp'), join(work, 'wheel')]
  await mkdir(temporary)
  await mkdir(destination)
  const requirements = join(work, 'requirements.txt')
  await writeFile(requirements, `openvino==${pinned.version} --hash=sha256:${wheel.sha256}\n`)
  const args = [
    ...python.args,
    ...['-m', 'pip', 'download', '--no-deps', '--only-binary', ':all:', '--require-hashes'],
    ...['--platform', wheel.tag, '--implementation', 'cp'],
    ...['--python-version', pinned.python, '--abi', pinned.abi],
    ...['--progress-bar', 'off', '--dest', destination, '--requirement', requirements, ...options.pipArgs],
  ]
  const child = spawn(python.command, args, {
    cwd: SAFE_FOLDER,
    env: {
      ...env,
      ...{ TMPDIR: temporary, TEMP: temporary, TMP: temporary },
      ...{ PIP_NO_INPUT: '1', PIP_DISABLE_PIP_VERSION_CHECK: '1', PIP_REQUIRE_VIRTUALENV: '0' },
      PIP_RESUME_RETRIES: '5', // older ones pass over it
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    windowsHide: true,
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString('utf8')).slice(-MAX_OUTPUT)
    })
  const stop = () => child.kill('SIGKILL')
  const limit = AbortSignal.timeout(LONGEST_MS)
  const ended = AbortSignal.any([signal, limit])
  ended.addEventListener('abort', stop, { once: true })
  const watch = setInterval(() => void wheelBytes(temporary).then(onBytes), LOOK_EVERY_MS)
  try {
    if (ended.aborted) stop()
    const failure = await new Promise<string | undefined>((resolve) => {
      child.once('error', (error) => resolve(error.message))
      child.once('close', (code) => resolve(code === 0 ? undefined : reasonIn(output)))
    })
    signal.throwIfAborted()
    if (limit.aborted) throw new Error(`pip needed more than ${LONGEST_MS / 60_000} minutes`)
    if (failure !== undefined) throw new Error(failure)
  } finally {
    clearInterval(watch)
    ended.removeEventListener('abort', stop)
  }
  return join(destination, wheelName(pinned, wheel))
}

/** pip writes into a temporary folder of its own and moves the file at the end. */
async function wheelBytes(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true }).catch(() => [])
  const sizes = names
    .filter((name) => name.endsWith('.whl'))
    .map((name) =>
      stat(join(folder, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    )
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}

/** The lines of pip that say why, without the warnings of its retries. */
function reasonIn(output: string): string {
  const lines = output
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  const unreachable = lines.find((line) => /NewConnectionError|ConnectTimeout|ProxyError|SSLError/.test(line))
  if (unreachable)
    return `the package index cannot be reached: ${(/'([^']+)'/.exec(unreachable)?.[1] ?? unreachable).slice(0, 300)}`
  const first = lines.findIndex((line) => line.startsWith('ERROR:'))
  const said = first === -1 ? lines.slice(-1) : lines.slice(first, first + 4)
  return said.join(' ').slice(0, 600) || 'pip gave no reason'
}

/** Moves a checked wheel to where the next try finds it. */
export async function keepWheel(
  file: string,
  kept: string,
  wheel: PinnedWheel,
  signal: AbortSignal,
): Promise<void> {
  if (!(await isWheel(file, wheel, signal))) throw new Error('pip downloaded a file with another hash')
  await rename(file, kept)
}

/** Whether the file is there, whole and the pinned one. */
export async function isWheel(file: string, wheel: PinnedWheel, signal: AbortSignal): Promise<boolean> {
  const size = await stat(file).then(
    (entry) => entry.size,
    () => -1,
  )
  if (size !== wheel.bytes) return false
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash, { signal })
  return hash.digest('hex') === wheel.sha256
}
