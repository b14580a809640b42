import { readdir, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { versionAround, versionInName } from './version.ts'

/** Where the library is below the folder of an installation. */
const LAYOUTS: Readonly<Record<string, readonly string[]>> = {
  wheel: ['.', 'libs', 'openvino/libs'],
  archive: [
    'runtime/bin/intel64/Release',
    'runtime/lib/intel64',
    'runtime/lib/intel64/Release',
    'runtime/lib/aarch64',
    'runtime/lib/arm64',
    'runtime/lib/arm64/Release',
    'bin/intel64/Release',
    'lib/intel64',
    'lib/aarch64',
    'lib/arm64',
  ],
  conda: ['Library/bin', 'lib'],
  debian: ['lib/x86_64-linux-gnu', 'lib/aarch64-linux-gnu', 'lib64'],
}

/** Below the root of a Python environment; `*` is any Python's version. */
const PYTHON_LAYOUTS = [
  'lib/python3.*/site-packages/openvino/libs',
  'Lib/site-packages/openvino/libs',
  'Library/bin',
  'lib',
]

/** Where an archive keeps the threading library. */
const DEPENDENCIES = ['3rdparty/tbb/bin', '3rdparty/tbb/lib', '3rdparty/tbb/redist/intel64/vc14']

const LIBRARY: Readonly<Partial<Record<NodeJS.Platform, RegExp>>> = {
  win32: /^openvino_c\.dll$/i,
  darwin: /^libopenvino_c(\.[\d.]+)?\.dylib$/,
}
const LINUX_LIBRARY = /^libopenvino_c\.so(\.[\d.]+)?$/

export interface FoundLibrary {
  readonly folder: string
  readonly library: string
  readonly version?: string
  readonly dependencies: readonly string[]
}

/** Looks for the library in a folder that may be any part of an installation. */
export function libraryBelow(folder: string, platform: NodeJS.Platform): Promise<FoundLibrary | undefined> {
  return firstOf(Object.values(LAYOUTS).flat(), folder, platform)
}

/** The same in the root of a Python environment. */
export function libraryOfPython(root: string, platform: NodeJS.Platform): Promise<FoundLibrary | undefined> {
  return firstOf(PYTHON_LAYOUTS, root, platform)
}

/** The same from the folder of the CMake files, which is one to three levels inside. */
export async function libraryAround(
  folder: string,
  platform: NodeJS.Platform,
): Promise<FoundLibrary | undefined> {
  let up = folder
  for (let level = 0; level < 4; level += 1) {
    const found = await libraryBelow(up, platform)
    if (found) return found
    up = dirname(up)
  }
  return undefined
}

async function firstOf(
  layouts: readonly string[],
  root: string,
  platform: NodeJS.Platform,
): Promise<FoundLibrary | undefined> {
  for (const layout of layouts) {
    for (const folder of await expand(root, layout)) {
      const found = await libraryIn(folder, platform)
      if (found) return found
    }
  }
  return undefined
}

/** Folders of a layout with one `*`; not asked whether they exist. */
async function expand(root: string, layout: string): Promise<string[]> {
  const [before, after] = layout.split('*')
  if (before === undefined || after === undefined) return [join(root, ...layout.split('/'))]
  const parent = join(root, dirname(`${before}x`))
  const names = await readdir(parent).catch(() => [])
  const start = basename(before)
  return names
    .filter((name) => name.startsWith(start))
    .sort()
    .reverse()
    .map((name) => join(parent, name, ...after.split('/')))
}

/** The library in this very folder. */
export async function libraryIn(
  folder: string,
  platform: NodeJS.Platform,
): Promise<FoundLibrary | undefined> {
  const pattern = LIBRARY[platform] ?? LINUX_LIBRARY
  const names = (await readdir(folder).catch(() => [])).filter((name) => pattern.test(name)).sort()
  for (const name of names) {
    const library = join(folder, name)
    const target = await realpath(library).catch(() => undefined)
    if (target === undefined) continue // a link to nothing
    const version = versionInName(basename(target)) ?? (await versionAround(folder))
    const dependencies = await dependenciesOf(folder)
    return { folder, library, dependencies, ...(version === undefined ? {} : { version }) }
  }
  return undefined
}

/** An archive's `runtime` is two or three levels above its libraries. */
async function dependenciesOf(folder: string): Promise<string[]> {
  const roots = [join(folder, '..', '..'), join(folder, '..', '..', '..')]
  const folders = roots.flatMap((root) => DEPENDENCIES.map((path) => join(root, ...path.split('/'))))
  const there = await Promise.all(
    folders.map((path) =>
      stat(path).then(
        (entry) => entry.isDirectory(),
        () => false,
      ),
    ),
  )
  return folders.filter((_, at) => there[at])
}
