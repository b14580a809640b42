import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const cache = join(dirname(dirname(fileURLToPath(import.meta.url))), '.cache', 'openvino')

function libraryIn(folder: string): string | undefined {
  try {
    const name = readdirSync(folder).find((file) => /^(lib)?openvino_c\.(so|dylib|dll)/.test(file))
    return name && join(folder, name)
  } catch {
    return undefined
  }
}

/** @throws Error when it cannot be downloaded */
export function openVinoForTests(): string {
  const libs = join(cache, 'openvino', 'libs')
  const there = libraryIn(libs)
  if (there) return there
  mkdirSync(dirname(cache), { recursive: true })
  const fresh = mkdtempSync(`${cache}-`)
  const python = process.platform === 'win32' ? 'python' : 'python3'
  const run = (args: readonly string[]) => execFileSync(python, args, { cwd: fresh, stdio: ['ignore', 2, 2] })
  run(['-m', 'pip', 'download', 'openvino==2026.4.1', '--no-deps', '--only-binary', ':all:', '--dest', fresh])
  const wheel = readdirSync(fresh).find((file) => file.endsWith('.whl'))
  if (!wheel) throw new Error('pip downloaded no wheel')
  run(['-m', 'zipfile', '-e', wheel, '.'])
  rmSync(join(fresh, wheel))
  try {
    renameSync(fresh, cache)
  } catch {
    rmSync(fresh, { recursive: true }) // another run was faster
  }
  const library = libraryIn(libs)
  if (!library) throw new Error('the wheel holds no libopenvino_c')
  return library
}
