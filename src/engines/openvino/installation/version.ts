import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** The oldest that is used: its C functions are the first that take properties as an array. */
export const OLDEST_OPENVINO = '2026.4.0'

/** Whether a library that calls itself so is recent enough; what follows the numbers (`-22201-abc`) does not count. */
export function isSupported(version: string): boolean {
  const [release] = /^[\d.]+/.exec(version) ?? ['0']
  return compareVersions(release, OLDEST_OPENVINO) >= 0
}

/** @returns negative when `a` is older, 0 when equal; parts that are missing count as 0 */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => text.split('.').map(Number))
  for (let at = 0; at < 3; at += 1) {
    const difference = (left?.[at] ?? 0) - (right?.[at] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

/** The version in the name of a library: `libopenvino_c.so.2641` and `libopenvino_c.so.2026.4.1` are 2026.4.1. */
export function versionInName(name: string): string | undefined {
  const dotted = /\.(20\d\d\.\d+\.\d+)(\.|$)/.exec(name)
  if (dotted) return dotted[1]
  const short = /\.(\d\d)(\d)(\d)(\.dylib)?$/.exec(name)
  return short ? `20${short[1]}.${short[2]}.${short[3]}` : undefined
}

/** Files that tell the version, from the library's folder up to the root of each known layout. */
export async function versionAround(folder: string): Promise<string | undefined> {
  let up = folder
  for (let level = 0; level < 4; level += 1) {
    const text = await readFile(join(up, 'version.txt'), 'utf8').catch(() => '') // archives: runtime/version.txt
    const told = /^(20\d\d\.\d+\.\d+)/.exec(text.trim()) ?? (await versionInFolder(up))
    if (told) return told[1]
    up = dirname(up)
  }
  return undefined
}

async function versionInFolder(folder: string): Promise<RegExpExecArray | undefined> {
  const metadata = await readdir(join(folder, 'conda-meta')).catch(() => []) // conda: in the environment's root
  const names = [...(await readdir(folder).catch(() => [])), ...metadata]
  const pattern = /^(?:lib)?openvino-(20\d\d\.\d+\.\d+)[.-](?:dist-info$|.*\.json$)/
  return names.map((name) => pattern.exec(name)).find((match) => match !== null) ?? undefined
}
