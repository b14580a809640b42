import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { PINNED } from './pinned.ts'
import type { UnpackedFiles } from './unpack.ts'
import { compareVersions } from './version.ts'

/** What an installation of Tandem's own says about itself; written last, before it gets its name. */
const Receipt = z.object({
  version: z.string(),
  wheel: z.string(),
  sha256: z.string(),
  /** Bytes by path. */
  files: z.record(z.string(), z.int()),
})
const RECEIPT = 'installation.json'

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
    const text = await readFile(join(folder, RECEIPT), 'utf8')
    const { files } = Receipt.parse(JSON.parse(text))
    for (const [path, bytes] of Object.entries(files)) {
      const { size } = await stat(join(folder, ...path.split('/')))
      if (size !== bytes) return damaged(folder, `${path} has ${size} bytes, not ${bytes}`)
    }
    return { folder }
  } catch (thrown) {
    return damaged(folder, (thrown as Error).message)
  }
}

function damaged(folder: string, why: string): HomeInstallation {
  return { folder, problem: `is damaged (${why}); \`tandem setup openvino --install\` installs it again` }
}

export async function writeReceipt(
  folder: string,
  receipt: { version: string; wheel: string; sha256: string; files: UnpackedFiles },
): Promise<void> {
  await writeFile(join(folder, RECEIPT), `${JSON.stringify(receipt, null, 2)}\n`, { flush: true })
}
