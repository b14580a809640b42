import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Where `.ci/llama-server.sh` puts it; git does not see it. */
const CACHED = join(dirname(dirname(fileURLToPath(import.meta.url))), '.cache', 'llama-server', 'bin')
const LIMIT_MS = 240_000

/**
 * The llama-server that TANDEM_TEST_LLAMA_SERVER names, else the one in the checkout's cache, else the one in the PATH.
 * @returns its path
 * @throws Error when there is none, or it does not start
 */
export function llamaServerForTests(): string {
  const given = process.env['TANDEM_TEST_LLAMA_SERVER']
  if (given && !existsSync(given))
    throw new Error(`TANDEM_TEST_LLAMA_SERVER names ${given}, which does not exist`)
  const folders = [CACHED, ...(process.env['PATH'] ?? '').split(delimiter)]
  const program = process.platform === 'win32' ? 'llama-server.exe' : 'llama-server'
  const found = given || folders.map((folder) => join(folder, program)).find((path) => existsSync(path))
  if (!found) throw new Error('there is no llama-server in the PATH or in .cache/llama-server/bin')
  execFileSync(found, ['--version'], { stdio: 'ignore', timeout: LIMIT_MS })
  return found
}
