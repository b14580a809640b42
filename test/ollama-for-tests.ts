/** Finds the Ollama that the long suite runs against. */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

const LIMIT_MS = 240_000

/**
 * The Ollama in the folder that TANDEM_TEST_OLLAMA names, else the one in the PATH.
 * @returns its path
 * @throws Error when there is none, or it does not start
 */
export function ollamaForTests(): string {
  const given = process.env['TANDEM_TEST_OLLAMA']
  const folders = given ? [given] : (process.env['PATH'] ?? '').split(delimiter)
  const program = process.platform === 'win32' ? 'ollama.exe' : 'ollama'
  const found = folders.map((folder) => join(folder, program)).find((path) => existsSync(path))
  if (!found) throw new Error(`there is no ollama in ${given ? `${given} (TANDEM_TEST_OLLAMA)` : 'the PATH'}`)
  execFileSync(found, ['--version'], { stdio: 'ignore', timeout: LIMIT_MS })
  return found
}
