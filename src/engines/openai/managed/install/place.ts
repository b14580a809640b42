/** Where llama.cpp's builds are kept, and which are there. */
import { readdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { z } from 'zod'
import { checkReceipt, Files } from '../../../installation/index.ts'

export const Receipt = z.object({
  release: z.string(),
  backend: z.string(),
  /** The file that was unpacked. */
  archive: z.string(),
  sha256: z.string(),
  version: z.string(),
  files: Files,
})

export interface FoundBuild {
  /** Absolute. */
  readonly folder: string
  /** Absolute path of llama-server. */
  readonly binary: string
  readonly release: string
  /** Of the archive; absent where somebody unpacked it by hand. */
  readonly sha256?: string
}

/** Absolute folder of every build. */
export function buildsFolder(home: string): string {
  return join(home, 'engines', 'llama.cpp')
}

export function folderOf(home: string, tag: string, backend: string): string {
  return join(buildsFolder(home), `${tag}-${backend}`)
}

/** The builds of a backend that are whole, what was unpacked last first. */
export async function foundBuilds(
  home: string,
  backend: string,
  platform: NodeJS.Platform,
): Promise<FoundBuild[]> {
  const root = buildsFolder(home)
  const names = await readdir(root).catch(() => [])
  const own = names.filter((name) => !name.startsWith('.') && name.endsWith(`-${backend}`))
  const folders = await Promise.all(
    own.map(async (name) => {
      const folder = join(root, name)
      const { mtimeMs } = await stat(folder)
      return { mtimeMs, build: await foundBuild(folder, backend, platform) }
    }),
  )
  return folders.sort((a, b) => b.mtimeMs - a.mtimeMs).flatMap(({ build }) => build ?? [])
}

/** @returns undefined where nothing is, or something damaged */
export async function foundBuild(
  folder: string,
  backend: string,
  platform: NodeJS.Platform,
): Promise<FoundBuild | undefined> {
  try {
    const receipt = await checkReceipt(folder, Receipt)
    const binary = await serverBelow(folder, platform)
    if (binary === undefined) return undefined
    const release = receipt?.release ?? basename(folder).slice(0, -backend.length - 1)
    return { folder, binary, release, ...(receipt ? { sha256: receipt.sha256 } : {}) }
  } catch {
    return undefined // installed anew
  }
}

/** The llama-server that lies least deep. */
export async function serverBelow(folder: string, platform: NodeJS.Platform): Promise<string | undefined> {
  const program = platform === 'win32' ? 'llama-server.exe' : 'llama-server'
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  const found = entries
    .filter((entry) => entry.isFile() && entry.name === program)
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
  return found.sort((a, b) => a.split(/[\\/]/).length - b.split(/[\\/]/).length)[0]
}
