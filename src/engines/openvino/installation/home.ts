import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { checkReceipt, Files } from '../../installation/index.ts'
import { PINNED } from './pinned.ts'
import { compareVersions } from './version.ts'

const Receipt = z.object({ version: z.string(), wheel: z.string(), sha256: z.string(), files: Files })

export interface HomeInstallation {
  /** Absolute. */
  readonly folder: string
  /** Why it cannot be used. */
  readonly problem?: string
}

/** Absolute folder of everything about OpenVINO that Tandem keeps. */
export function openVinoHome(home: string): string {
  return join(home, 'openvino')
}

/** Tandem's own installations: the pinned version first, then the newest. */
export async function homeInstallations(home: string): Promise<HomeInstallation[]> {
  const root = openVinoHome(home)
  const versions = (await readdir(root).catch(() => [])).filter((name) => /^\d+\.\d+\.\d+$/.test(name))
  versions.sort((a, b) => (a === PINNED.version ? -1 : b === PINNED.version ? 1 : compareVersions(b, a)))
  return Promise.all(versions.map((version) => checkInstallation(join(root, version))))
}

/** Whether every file is there with its size. */
export async function checkInstallation(folder: string): Promise<HomeInstallation> {
  try {
    const receipt = await checkReceipt(folder, Receipt)
    return receipt ? { folder } : damaged(folder, 'it has no receipt')
  } catch (thrown) {
    return damaged(folder, (thrown as Error).message)
  }
}

function damaged(folder: string, why: string): HomeInstallation {
  return { folder, problem: `is damaged (${why}); \`tandem setup openvino --install\` installs it again` }
}
