import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url)) // src/config or dist/config

/** Absolute folder of the package: the one that holds `models/` and `dist/`. */
export const PACKAGE_ROOT = dirname(dirname(here))

/**
 * File of a process or thread entry. Always the built one: Node cannot start TypeScript, also not from a test.
 * @param path relative to `src/` without its ending, e.g. `workers/child/main`
 */
export function builtEntry(path: string): string {
  return join(PACKAGE_ROOT, 'dist', `${path}.js`)
}

/** Everything Tandem keeps: `TANDEM_HOME`, else the system's data folder for the user. */
export function tandemHome(env: NodeJS.ProcessEnv = process.env): string {
  if (env['TANDEM_HOME']) return env['TANDEM_HOME']
  if (process.platform === 'win32')
    return join(env['LOCALAPPDATA'] ?? join(homedir(), 'AppData', 'Local'), 'Tandem')
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Application Support', 'Tandem')
  return join(env['XDG_DATA_HOME'] ?? join(homedir(), '.local', 'share'), 'tandem')
}
