/** The folder of a pulled model: where it grows, its lock, and how it takes its place. */
import { copyFile, link, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { TandemError } from '../../domain/index.ts'
import { UNFINISHED } from '../catalogue.ts'
import { digestProblem, digestsOf, type RemoteFile } from '../fetch/index.ts'
import { pulledFolder } from '../folders.ts'
import { listFiles } from '../layouts/files.ts'
import { MANIFEST_FILE, type Manifest, parseManifest } from '../manifest.ts'

export interface Place {
  readonly root: string
  readonly folder: string
  readonly partial: string
}

/** @param id `bge-small`, `owner/name:q5_k_m`; names of folders have neither slash nor colon */
export function placeOf(root: string, id: string): Place {
  const folder = join(root, id.replace(/[/:]/g, '--'))
  return { root, folder, partial: `${folder}.partial` }
}

/** The manifest of a model that is there; undefined when none is, or it is damaged. */
export async function pulledManifest({ folder }: Pick<Place, 'folder'>): Promise<Manifest | undefined> {
  const file = join(folder, MANIFEST_FILE)
  try {
    return parseManifest(await readFile(file, 'utf8'), file)
  } catch {
    return undefined // fetched again
  }
}

/** Ids of the models that were pulled into a home; damaged ones are left out. */
export async function pulledModels(home: string): Promise<string[]> {
  const root = pulledFolder(home)
  const names = await readdir(root).catch(() => [])
  const found = await Promise.all(
    names
      .filter((name) => !UNFINISHED.test(name))
      .map((name) => pulledManifest({ folder: join(root, name) })),
  )
  return found.flatMap((manifest) => (manifest ? [manifest.id] : []))
}

/** Whether a file of the folder has the size and the content of the hub's tree. */
export async function isSame(
  folder: string,
  file: RemoteFile,
  manifest: Manifest,
  signal: AbortSignal,
): Promise<boolean> {
  const path = join(folder, file.path)
  const found = await stat(path).catch(() => undefined)
  if (found?.size !== file.sizeBytes) return false
  const listed = Object.values(manifest.files)
    .flat()
    .find((each) => each.path === file.path)
  if (listed && file.sha256 !== undefined) return listed.sha256 === file.sha256
  return digestProblem(file, await digestsOf(path, file.sizeBytes, signal)) === undefined
}

/** Takes a file over from an older folder of the same model: as a link where the file system can. */
export async function adopt(from: string, to: string, path: string): Promise<void> {
  const target = join(to, path)
  await mkdir(dirname(target), { recursive: true })
  await rm(target, { force: true })
  await link(join(from, path), target).catch(() => copyFile(join(from, path), target))
}

/** Removes what an earlier, unfinished pull of other files left. */
export async function removeOthers(folder: string, wanted: readonly RemoteFile[]): Promise<void> {
  for (const path of await listFiles(folder))
    if (!wanted.some((file) => file.path === path)) await rm(join(folder, path), { force: true })
}

/** The finished folder takes the place of an older one. */
export async function takePlace({ folder, partial }: Place): Promise<void> {
  const old = `${folder}.old`
  await rm(old, { recursive: true, force: true })
  const hadOne = await rename(folder, old).then(
    () => true,
    () => false,
  )
  try {
    await rename(partial, folder)
  } catch (thrown) {
    if (hadOne) await rename(old, folder)
    throw thrown
  }
  await rm(old, { recursive: true, force: true })
}

/**
 * Keeps a second pull of the same model out.
 * @returns a function that lets go
 * @throws TandemError CONFLICT while another process holds it
 */
export async function lockPlace({ folder }: Place): Promise<() => Promise<void>> {
  const file = `${folder}.lock`
  for (let round = 0; ; round++) {
    try {
      const handle = await open(file, 'wx')
      await handle.write(String(process.pid))
      await handle.close()
      return () => rm(file, { force: true })
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST' || round > 0) throw thrown
      const holder = Number(await readFile(file, 'utf8').catch(() => ''))
      if (holder > 0 && isAlive(holder))
        throw new TandemError('CONFLICT', {
          what: `process ${holder} is pulling this model already; wait for it, or remove ${file} if that is another program`,
        })
      await rm(file, { force: true })
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EPERM'
  }
}
