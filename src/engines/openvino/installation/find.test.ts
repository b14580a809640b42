import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { writeReceipt } from '../../installation/index.ts'
import { type FindOptions, findOpenVino } from './find.ts'
import { loadingEnvironment } from './installation.ts'

let root: string
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'tandem-openvino-')))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const at = (path: string) => join(root, ...path.split('/'))

/** Makes files below the root; a name that ends in `/` is a folder. */
function make(...paths: readonly string[]): void {
  for (const path of paths) {
    const [file, text = ''] = path.split('=')
    mkdirSync(file!.endsWith('/') ? at(file!) : dirname(at(file!)), { recursive: true })
    if (!file!.endsWith('/')) writeFileSync(at(file!), text)
  }
}

/** No Python is on the PATH, and the system has no library folders, unless the test says so. */
const find = (options: Partial<FindOptions> = {}) =>
  findOpenVino({ home: at('home'), env: {}, platform: 'linux', systemFolders: [], ...options })

interface Layout {
  readonly name: string
  readonly platform: NodeJS.Platform
  readonly files: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly systemFolders?: readonly string[]
  readonly finds: Readonly<Record<string, unknown>>
}

const LAYOUTS: readonly Layout[] = [
  {
    name: 'an archive on Linux',
    platform: 'linux',
    files: [
      'ov/runtime/lib/intel64/libopenvino_c.so.2026.4.1',
      'ov/runtime/3rdparty/tbb/lib/',
      'ov/setupvars.sh',
    ],
    env: { INTEL_OPENVINO_DIR: 'ov' },
    finds: {
      source: 'environment',
      by: 'INTEL_OPENVINO_DIR',
      version: '2026.4.1',
      library: 'ov/runtime/lib/intel64/libopenvino_c.so.2026.4.1',
      dependencies: ['ov/runtime/3rdparty/tbb/lib'],
    },
  },
  {
    name: 'an archive on Windows, whose version is in a file',
    platform: 'win32',
    files: [
      'ov/runtime/bin/intel64/Release/openvino_c.dll',
      'ov/runtime/lib/intel64/Release/openvino_c.lib',
      'ov/runtime/3rdparty/tbb/bin/tbb12.dll',
      'ov/runtime/version.txt=2026.5.0-23807-44526285f24-releases/2026/5',
    ],
    env: { INTEL_OPENVINO_DIR: 'ov' },
    finds: {
      version: '2026.5.0',
      library: 'ov/runtime/bin/intel64/Release/openvino_c.dll',
      dependencies: ['ov/runtime/3rdparty/tbb/bin'],
    },
  },
  {
    name: 'an archive on macOS',
    platform: 'darwin',
    files: ['ov/runtime/lib/arm64/Release/libopenvino_c.2641.dylib'],
    env: { INTEL_OPENVINO_DIR: 'ov' },
    finds: { version: '2026.4.1', library: 'ov/runtime/lib/arm64/Release/libopenvino_c.2641.dylib' },
  },
  {
    name: "an archive by its CMake files' folder",
    platform: 'linux',
    files: ['ov/runtime/lib/intel64/libopenvino_c.so.2641', 'ov/runtime/cmake/OpenVINOConfig.cmake'],
    env: { OpenVINO_DIR: 'ov/runtime/cmake' },
    finds: { source: 'environment', by: 'OpenVINO_DIR', version: '2026.4.1' },
  },
  {
    name: 'a virtual environment of Python',
    platform: 'linux',
    files: ['venv/lib/python3.11/site-packages/openvino/libs/libopenvino_c.so.2651'],
    env: { VIRTUAL_ENV: 'venv' },
    finds: { source: 'python', by: 'VIRTUAL_ENV', version: '2026.5.1', dependencies: [] },
  },
  {
    name: 'a virtual environment on Windows, whose version is in its metadata',
    platform: 'win32',
    files: [
      'venv/Lib/site-packages/openvino/libs/openvino_c.dll',
      'venv/Lib/site-packages/openvino-2026.4.1.dist-info/METADATA',
    ],
    env: { VIRTUAL_ENV: 'venv' },
    finds: { version: '2026.4.1', library: 'venv/Lib/site-packages/openvino/libs/openvino_c.dll' },
  },
  {
    name: 'conda on Windows',
    platform: 'win32',
    files: ['conda/Library/bin/openvino_c.dll', 'conda/conda-meta/libopenvino-2026.4.0-h1.json'],
    env: { CONDA_PREFIX: 'conda' },
    finds: { source: 'python', by: 'CONDA_PREFIX', version: '2026.4.0' },
  },
  {
    name: 'conda on Linux',
    platform: 'linux',
    files: ['conda/lib/libopenvino_c.so.2640'],
    env: { CONDA_PREFIX: 'conda' },
    finds: { version: '2026.4.0', library: 'conda/lib/libopenvino_c.so.2640' },
  },
  {
    name: "Debian's packages",
    platform: 'linux',
    files: ['usr/lib/x86_64-linux-gnu/libopenvino_c.so.2640'],
    systemFolders: ['usr/lib/x86_64-linux-gnu'],
    finds: { source: 'system', by: 'the system', version: '2026.4.0' },
  },
]

test.each(LAYOUTS)('$name', async ({ platform, files, env = {}, systemFolders = [], finds }) => {
  make(...files)
  const { installation } = await find({
    platform,
    env: Object.fromEntries(Object.entries(env).map(([name, path]) => [name, at(path)])),
    systemFolders: systemFolders.map(at),
  })
  const { library, dependencies, ...rest } = finds
  expect(installation).toMatchObject({
    ...rest,
    ...(typeof library === 'string' ? { library: at(library) } : {}),
    ...(Array.isArray(dependencies) ? { dependencies: dependencies.map(at) } : {}),
  })
  expect(installation!.folder).toBe(dirname(installation!.library))
})

describe('which one is taken', () => {
  beforeEach(() => {
    make(
      'mine/libs/libopenvino_c.so.2640',
      'intel/runtime/lib/intel64/libopenvino_c.so.2650',
      'usr/lib/libopenvino_c.so.2641',
    )
  })
  const everywhere = () => ({ env: { INTEL_OPENVINO_DIR: at('intel') }, systemFolders: [at('usr/lib')] })

  test('what is configured comes first', async () => {
    const { installation } = await find({ ...everywhere(), configured: at('mine') })
    expect(installation).toMatchObject({ source: 'config', by: 'openvino.folder', version: '2026.4.0' })
  })

  test('a configured folder without it is never replaced by another one', async () => {
    make('empty/')
    const { installation, candidates } = await find({ ...everywhere(), configured: at('empty') })
    expect(installation).toBeUndefined()
    expect(candidates).toMatchObject([{ source: 'config', why: expect.stringContaining(at('empty')) }])
  })

  test("Tandem's own comes before the environment, and a damaged one is passed over with the reason", async () => {
    make('home/openvino/2026.4.1/libs/libopenvino_c.so.2641=library')
    const own = at('home/openvino/2026.4.1')
    const receipt = { version: '2026.4.1', wheel: 'w', sha256: 's' }
    await writeReceipt(own, { ...receipt, files: { 'libs/libopenvino_c.so.2641': 7 } })
    expect((await find(everywhere())).installation).toMatchObject({ source: 'home', version: '2026.4.1' })

    writeFileSync(at('home/openvino/2026.4.1/libs/libopenvino_c.so.2641'), 'cut')
    const { installation, candidates } = await find(everywhere())
    expect(installation).toMatchObject({ source: 'environment' })
    expect(candidates).toMatchObject([
      { source: 'home', why: expect.stringMatching(/3 bytes, not 7.*--install/) },
    ])
  })

  test('one that is too old is passed over, and the next is taken', async () => {
    make('old/runtime/lib/intel64/libopenvino_c.so.2630')
    const { installation, candidates } = await find({
      ...everywhere(),
      env: { INTEL_OPENVINO_DIR: at('old') },
    })
    expect(installation).toMatchObject({ source: 'system' })
    expect(candidates[0]).toMatchObject({
      by: 'INTEL_OPENVINO_DIR',
      why: 'is OpenVINO 2026.3.0; 2026.4.0 or newer is needed',
    })
  })

  test('a link to nothing is no library', async () => {
    make('linked/libs/')
    symlinkSync(at('gone'), at('linked/libs/libopenvino_c.so'))
    expect((await find({ configured: at('linked') })).installation).toBeUndefined()
  })

  test('nothing anywhere: every place is named', async () => {
    const { installation, candidates } = await find({
      env: { INTEL_OPENVINO_DIR: at('a'), VIRTUAL_ENV: at('b'), PATH: at('no-programs') },
      systemFolders: [at('c')],
    })
    expect(installation).toBeUndefined()
    expect(candidates.map(({ by, why }) => [by, why.includes('is not on the PATH')])).toEqual([
      ['INTEL_OPENVINO_DIR', false],
      ['VIRTUAL_ENV', false],
      ['python3', true],
      ['python', true],
      ['the system', false],
    ])
  })
})

describe.skipIf(process.platform === 'win32')('a Python on the PATH', () => {
  /** A program called python3 that passes on to the real one with a folder of packages. */
  function python(packages: string): string {
    make('bin/')
    const script = `#!/bin/sh\nPYTHONPATH='${at(packages)}' exec python3 "$@"\n`
    writeFileSync(
      at('bin/python3'),
      script.replace('exec python3', `PATH='${process.env['PATH']}' exec python3`),
    )
    chmodSync(at('bin/python3'), 0o755)
    return [at('bin'), process.env['PATH']].join(delimiter)
  }

  test('is asked where its package is, and the package is not imported', async () => {
    make(
      'packages/openvino/libs/libopenvino_c.so.2641',
      `packages/openvino/__init__.py=open(r"${at('imported')}", "w")`,
    )
    const { installation } = await find({ env: { PATH: python('packages') } })
    expect(installation).toMatchObject({ source: 'python', by: 'python3', version: '2026.4.1' })
    expect(await import('node:fs').then(({ existsSync }) => existsSync(at('imported')))).toBe(false)
  })

  test('that has none is passed over', async () => {
    make('packages/')
    const { candidates } = await find({ env: { PATH: python('packages') } })
    expect(candidates[0]).toMatchObject({ by: 'python3', why: 'has no package openvino' })
  })
})

describe('what a process that loads it must be started with', () => {
  const base = { source: 'home', by: '', library: '', folder: '/ov/libs' } as const

  test('nothing when all is beside the library', () => {
    expect(loadingEnvironment({ ...base, dependencies: [] }, {}, 'linux')).toEqual({})
  })

  test("the archive's folders before those that are set", () => {
    const archive = { ...base, dependencies: ['/ov/tbb'] }
    expect(loadingEnvironment(archive, { LD_LIBRARY_PATH: '/x' }, 'linux')).toEqual({
      LD_LIBRARY_PATH: '/ov/libs:/ov/tbb:/x',
    })
    expect(loadingEnvironment(archive, { Path: 'C:\\x' }, 'win32')).toEqual({
      PATH: '/ov/libs;/ov/tbb;C:\\x',
    })
  })
})
