/** Where builds of llama.cpp are kept, in which order they are taken, and their llama-server. */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { programIn } from './programs.ts'

/** Absolute folder of every build. */
export function buildsFolder(home: string): string {
  return join(home, 'engines', 'llama.cpp')
}

/** Absolute folders of builds, what was unpacked last first. */
export async function buildsIn(home: string): Promise<string[]> {
  const root = buildsFolder(home)
  const entries = await readdir(root, { withFileTypes: true }).catch(() => [])
  const folders = entries.filter((each) => each.isDirectory() && !each.name.startsWith('.'))
  const dated = await Promise.all(
    folders.map(async ({ name }) => {
      const path = join(root, name)
      return { path, name, ms: (await stat(path).catch(() => undefined))?.mtimeMs ?? 0 }
    }),
  )
  const later = new Intl.Collator('en', { numeric: true })
  return dated.sort((a, b) => b.ms - a.ms || later.compare(b.name, a.name)).map(({ path }) => path)
}

/** The llama-server that lies least deep. */
export function serverBelow(folder: string, platform: NodeJS.Platform): Promise<string | undefined> {
  return programIn(folder, serverProgram(platform))
}

export function serverProgram(platform: NodeJS.Platform): string {
  return platform === 'win32' ? 'llama-server.exe' : 'llama-server'
}
