/** Where a llama-server is: the configured path, what `tandem setup llama.cpp` unpacked, the PATH. */
import { readdir, stat } from 'node:fs/promises'
import { delimiter, isAbsolute, join } from 'node:path'

const PROGRAM = process.platform === 'win32' ? 'llama-server.exe' : 'llama-server'
/** An archive has its programs in `build/bin` at most. */
const MAX_DEPTH = 4
const MAX_FOLDERS = 200

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
    const found = await programIn(folder)
    if (found !== undefined) installed.push(found)
  }
  const inPath: string[] = []
  for (const folder of (env['PATH'] ?? env['Path'] ?? '').split(delimiter)) {
    if (!isAbsolute(folder)) continue // a program of the current folder is nobody's choice
    const found = join(folder, PROGRAM)
    if (await isFile(found)) inPath.push(found)
  }
  return [...installed, ...inPath.slice(0, 1)]
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

/** The one that lies least deep. */
async function programIn(folder: string): Promise<string | undefined> {
  let level = [folder]
  for (let depth = 0, looked = 0; depth <= MAX_DEPTH && looked < MAX_FOLDERS; depth++) {
    const below: string[] = []
    for (const each of level.slice(0, MAX_FOLDERS - looked)) {
      looked += 1
      const found = join(each, PROGRAM)
      if (await isFile(found)) return found
      const entries = await readdir(each, { withFileTypes: true }).catch(() => [])
      below.push(...entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(each, name)))
    }
    level = below.sort()
  }
  return undefined
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false
}
