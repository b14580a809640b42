import { execFile } from 'node:child_process'
import { parse } from 'node:path'

/** How Pythons are called, in order; the `py` launcher is Windows' own. */
const COMMANDS: readonly { readonly command: string; readonly args: readonly string[] }[] = [
  { command: 'python3', args: [] },
  { command: 'python', args: [] },
  { command: 'py', args: ['-3'] },
]

/** Says where the package is without importing it; the current folder must not lend its modules. */
const FIND = `import sys
sys.path = [p for p in sys.path if p]
import importlib.util
spec = importlib.util.find_spec('openvino')
for place in (spec.submodule_search_locations or []) if spec else []: print(place)`

const ANSWER_MS = 15_000
const MAX_ANSWER_BYTES = 64 * 1024

export interface Python {
  readonly command: string
  readonly args: readonly string[]
}

/** Programs start there: a Python takes modules from its current folder, and that may be anyone's. */
export const SAFE_FOLDER = parse(process.execPath).root

export interface PythonAnswer {
  /** undefined when it could not be started or took too long. */
  readonly code: number | undefined
  readonly stdout: string
  /** Why it failed, one line. */
  readonly why: string
}

/** Runs a Python for an answer of a few lines; never throws but for `signal`. */
export function askPython(
  { command, args }: Python,
  more: readonly string[],
  env: NodeJS.ProcessEnv,
  signal?: AbortSignal,
): Promise<PythonAnswer> {
  const options = {
    cwd: SAFE_FOLDER,
    env,
    timeout: ANSWER_MS,
    killSignal: 'SIGKILL',
    maxBuffer: MAX_ANSWER_BYTES,
    windowsHide: true,
    ...(signal ? { signal } : {}),
  } as const
  return new Promise((resolve, reject) => {
    execFile(command, [...args, ...more], options, (error, stdout, stderr) => {
      if (signal?.aborted) return reject(signal.reason)
      if (!error) return resolve({ code: 0, stdout, why: '' })
      const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
      const last = stderr.trim().split('\n').at(-1)?.trim()
      const slow = error.killed ? `no answer within ${ANSWER_MS / 1000} s` : ''
      const why = missing ? 'is not on the PATH' : slow || last || error.message
      resolve({ code: typeof error.code === 'number' ? error.code : undefined, stdout, why })
    })
  })
}

/** Every way to call a Python here. */
export function pythonCommands(platform: NodeJS.Platform): readonly Python[] {
  return COMMANDS.filter(({ command }) => command !== 'py' || platform === 'win32')
}

/** Folders of the package `openvino` of a Python. @returns why there are none */
export async function packageFolders(
  python: Python,
  env: NodeJS.ProcessEnv,
  signal?: AbortSignal,
): Promise<readonly string[] | string> {
  const { code, stdout, why } = await askPython(python, ['-c', FIND], env, signal)
  if (code !== 0) return why
  const folders = stdout.split(/\r?\n/).filter((line) => line !== '')
  return folders.length > 0 ? folders : 'has no package openvino'
}

/** The first Python that has pip. @returns why each has none */
export async function pythonWithPip(
  env: NodeJS.ProcessEnv,
  platform: NodeJS.Platform,
  signal?: AbortSignal,
): Promise<Python | string> {
  const reasons: string[] = []
  for (const python of pythonCommands(platform)) {
    const { code, why } = await askPython(python, ['-m', 'pip', '--version'], env, signal)
    if (code === 0) return python
    reasons.push(`${python.command} ${why}`)
  }
  return reasons.join('; ')
}
