/** Where a llama-server is: the configured path, what `tandem setup llama.cpp` unpacked, the PATH. */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { programIn, programsInPath } from './programs.ts'

const PROGRAM = process.platform === 'win32' ? 'llama-server.exe' : 'llama-server'
export interface WhereToLook {
  /** The configured one: no other is taken. */
  readonly path?: string | undefined
  /** Folder of everything that Tandem keeps. */
  readonly home: string
  readonly env: NodeJS.ProcessEnv
}

/** Paths in the order in which they are tried; a configured path also where nothing is there. */
export async function llamaServersIn({ path, home, env }: WhereToLook): Promise<string[]> {
  if (path !== undefined) return [path]
  const installed: string[] = []
  for (const folder of await newestFirst(join(home, 'engines', 'llama.cpp'))) {
    const found = await programIn(folder, PROGRAM)
    if (found !== undefined) installed.push(found)
  }
  return [...installed, ...(await programsInPath(PROGRAM, env)).slice(0, 1)]
}

/** What was unpacked last comes first. */
async function newestFirst(parent: string): Promise<string[]> {
  const entries = await readdir(parent, { withFileTypes: true }).catch(() => [])
  const folders = entries.filter((each) => each.isDirectory() && !each.name.startsWith('.'))
  const dated = await Promise.all(
    folders.map(async ({ name }) => {
      const path = join(parent, name)
      return { path, name, ms: (await stat(path).catch(() => undefined))?.mtimeMs ?? 0 }
    }),
  )
  const later = new Intl.Collator('en', { numeric: true })
  return dated.sort((a, b) => b.ms - a.ms || later.compare(b.name, a.name)).map(({ path }) => path)
}
