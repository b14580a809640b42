/** Where a llama-server is: the configured path, what `tandem setup llama.cpp` unpacked, the PATH. */
import { buildsIn, serverBelow, serverProgram } from './builds-folder.ts'
import { programsInPath } from './programs.ts'

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
  const { platform } = process
  for (const folder of await buildsIn(home)) {
    const found = await serverBelow(folder, platform)
    if (found !== undefined) installed.push(found)
  }
  return [...installed, ...(await programsInPath(serverProgram(platform), env)).slice(0, 1)]
}
