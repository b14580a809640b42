/** Which of llama.cpp's builds are there, and whole. */
import { basename, join } from 'node:path'
import { z } from 'zod'
import { checkReceipt, Files } from '../../../installation/index.ts'
import { buildsFolder, buildsIn, serverBelow } from '../builds-folder.ts'

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

export function folderOf(home: string, tag: string, backend: string): string {
  return join(buildsFolder(home), `${tag}-${backend}`)
}

/** The builds of a backend that are whole, what was unpacked last first. */
export async function foundBuilds(
  home: string,
  backend: string,
  platform: NodeJS.Platform,
): Promise<FoundBuild[]> {
  const own = (await buildsIn(home)).filter((folder) => folder.endsWith(`-${backend}`))
  const builds = await Promise.all(own.map((folder) => foundBuild(folder, backend, platform)))
  return builds.flatMap((build) => build ?? [])
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
