import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { makeWheel } from '../../../../test/support/make-wheel.ts'
import type { ZippedFile } from '../../../../test/support/make-zip.ts'
import { describeOpenVino } from '../../../../test/support/openvino.ts'
import { builtEntry } from '../../../config/index.ts'
import { type InstallOptions, type InstallProgress, installOpenVino } from './install.ts'
import { type Pinned, wheelName } from './pinned.ts'

const VERSION = '2099.1.2'
const LIBRARY = { name: 'openvino/libs/libopenvino_c.so.9912', content: Buffer.alloc(300_000, 'c') }
const FILES: readonly ZippedFile[] = [
  { name: 'openvino/__init__.py', content: Buffer.from('raise SystemExit') },
  LIBRARY,
  { name: 'openvino/libs/libopenvino_intel_cpu_plugin.so', content: Buffer.alloc(500_000, 'p') },
  { name: 'openvino/libs/libopenvino_onnx_frontend.so.9912', content: Buffer.from('onnx') },
  { name: 'openvino/libs/libopenvino_pytorch_frontend.so.9912', content: Buffer.from('pytorch') },
  { name: 'openvino/libs/openvino.lib', content: Buffer.from('for compilers') },
  { name: 'openvino/libs/..\\..\\evil.dll', content: Buffer.from('odd name') },
  { name: 'openvino/libs/../../evil.so', content: Buffer.from('odd name') },
  { name: `openvino-${VERSION}.dist-info/licenses/LICENSE`, content: Buffer.from('Apache') },
]
const NO_PROGRAMS = { PATH: join(tmpdir(), 'no-programs') }

let folder: string
let home: string
let root: string
let pinned: Pinned

/** Serves a wheel from a folder, as an index would, and pins it. */
function serve(wheel: Buffer, sha256 = createHash('sha256').update(wheel).digest('hex')): void {
  const build = { tag: 'manylinux_2_17_x86_64', platform: 'linux', arch: 'x64' } as const
  const wheels = [{ ...build, sha256, bytes: wheel.length, unpackedBytes: 800_010 }]
  pinned = { version: VERSION, build: '1', python: '3.12', abi: 'cp312', wheels }
  mkdirSync(join(folder, 'index'), { recursive: true })
  writeFileSync(join(folder, 'index', wheelName(pinned, wheels[0]!)), wheel)
}

/** Where the wheel waits between two tries. */
const kept = () => join(root, wheelName(pinned, pinned.wheels[0]!))
const index = () => ['--no-index', '--find-links', join(folder, 'index')]

function install(more: Partial<InstallOptions> = {}) {
  const { signal } = new AbortController()
  const machine = { platform: 'linux', arch: 'x64', env: process.env } as const
  return installOpenVino({ home, signal, pinned, pipArgs: index(), ...machine, ...more })
}

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'tandem-install-')))
  home = join(folder, 'home')
  root = join(home, 'openvino')
  serve(makeWheel(VERSION, FILES))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describeOpenVino('by pip', () => {
  test('what the C API needs is installed, nothing else is left, and no Python is needed any more', async () => {
    const progress: InstallProgress[] = []
    const installed = await install({ onProgress: (step) => progress.push(step) })
    const library = join(root, VERSION, 'libs', 'libopenvino_c.so.9912')
    expect(installed).toMatchObject({ source: 'home', version: VERSION, library })
    expect(readFileSync(library).equals(LIBRARY.content)).toBe(true)
    expect(readdirSync(root)).toEqual([VERSION])
    expect((readdirSync(join(root, VERSION), { recursive: true }) as string[]).sort()).toEqual(
      [
        'installation.json',
        'libs',
        join('libs', 'libopenvino_c.so.9912'),
        join('libs', 'libopenvino_intel_cpu_plugin.so'),
        join('libs', 'libopenvino_onnx_frontend.so.9912'),
        'licenses',
        join('licenses', 'LICENSE'),
      ].sort(),
    )
    expect(progress.map(({ phase }) => phase)).toEqual(expect.arrayContaining(['downloading', 'unpacking']))
    expect(progress.at(-1)).toEqual({ phase: 'unpacking', doneBytes: 800_010, totalBytes: 800_010 })
    expect(await install({ env: NO_PROGRAMS })).toEqual(installed)
  })

  test('a wheel with another hash is refused by pip, and nothing is left', async () => {
    serve(makeWheel(VERSION, FILES), 'f'.repeat(64))
    await expect(install()).rejects.toMatchObject({
      code: 'ENGINE_SETUP',
      message: expect.stringMatching(/DO NOT MATCH THE HASHES.*openvino\.folder or INTEL_OPENVINO_DIR/s),
    })
    expect(readdirSync(root)).toEqual([])
  })

  test('an index that does not have it: its own words, and how to do it without a network', async () => {
    rmSync(join(folder, 'index'), { recursive: true })
    mkdirSync(join(folder, 'index'))
    await expect(install()).rejects.toThrow(
      /No matching distribution.*put the file openvino-2099\.1\.2-1-cp312/s,
    )
  })

  test('a wheel that was cut is downloaded again', async () => {
    mkdirSync(root, { recursive: true })
    const whole = readFileSync(join(folder, 'index', readdirSync(join(folder, 'index'))[0]!))
    writeFileSync(kept(), whole.subarray(0, whole.length / 2))
    await expect(install({ env: NO_PROGRAMS })).rejects.toThrow('no Python with pip')
    expect(await install()).toMatchObject({ version: VERSION })
  })

  test('two at once: one downloads, the other one waits for it', async () => {
    const phases: string[][] = [[], []]
    const both = phases.map((seen) => install({ onProgress: ({ phase }) => seen.push(phase) }))
    const [first, second] = await Promise.all(both)
    expect(first).toEqual(second)
    expect(phases.filter((seen) => seen.includes('downloading'))).toHaveLength(1)
    expect(phases.filter((seen) => seen.includes('waiting'))).toHaveLength(1)
    expect(readdirSync(root)).toEqual([VERSION])
  })

  test('a damaged installation is replaced', async () => {
    const { library } = await install()
    rmSync(library)
    expect(await install()).toMatchObject({ library })
    expect(existsSync(library)).toBe(true)
    expect(readdirSync(root)).toEqual([VERSION])
  })

  test.each(['downloading', 'unpacking'] as const)(
    'killed while %s: half of it is never there, and the next try finishes',
    async (phase) => {
      expect(await killedWhile(phase)).toBe('SIGKILL')
      expect(existsSync(join(root, VERSION))).toBe(false)
      expect(readdirSync(root).some((name) => name.startsWith('.work-'))).toBe(true)
      const env = phase === 'unpacking' ? NO_PROGRAMS : process.env // it is not downloaded again
      expect(await install({ env })).toMatchObject({ version: VERSION })
      expect(readdirSync(root)).toEqual([VERSION])
    },
  )
})

/** Installs in another process, which kills itself at the first bytes of the phase. */
async function killedWhile(phase: string): Promise<unknown> {
  const entry = pathToFileURL(builtEntry('engines/openvino/installation/index')).href
  const { env: _, ...options } = { home, pinned, pipArgs: index(), platform: 'linux', arch: 'x64', env: {} }
  const script = `import { installOpenVino } from ${JSON.stringify(entry)}
    const onProgress = ({ phase }) => phase === ${JSON.stringify(phase)} && process.kill(process.pid, 'SIGKILL')
    const { signal } = new AbortController()
    await installOpenVino({ ...${JSON.stringify(options)}, env: process.env, signal, onProgress })`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: 'inherit' })
  const [code, by] = await once(child, 'close')
  return by ?? code
}

describe('from a wheel that is here already', () => {
  beforeEach(() => {
    mkdirSync(root, { recursive: true })
    writeFileSync(kept(), makeWheel(VERSION, FILES))
  })

  test('no Python is needed', async () => {
    expect(await install({ env: NO_PROGRAMS })).toMatchObject({ version: VERSION })
  })

  test.each<[string, readonly ZippedFile[], readonly string[], string]>([
    ['a file that is not what RECORD says', FILES, [LIBRARY.name], `${LIBRARY.name} is not what`],
    ['a file larger than it says', [{ ...LIBRARY, claimedBytes: 10 }], [], 'does not have its 10 bytes'],
    ['a file smaller than it says', [{ ...LIBRARY, claimedBytes: 900_000 }], [], 'its 900000 bytes'],
  ])('%s: refused, and nothing of it is installed', async (_name, files, wrong, says) => {
    serve(makeWheel(VERSION, files, wrong))
    writeFileSync(kept(), makeWheel(VERSION, files, wrong))
    await expect(install({ env: NO_PROGRAMS })).rejects.toThrow(says)
    expect(readdirSync(root)).toEqual([wheelName(pinned, pinned.wheels[0]!)])
  })

  test('a file that unpacks to more than it says is ended there', async () => {
    const wheel = makeWheel(VERSION, [{ ...LIBRARY, claimedBytes: 10 }])
    serve(wheel)
    writeFileSync(kept(), wheel)
    const unpacked: number[] = []
    const onProgress = ({ doneBytes }: InstallProgress) => unpacked.push(doneBytes)
    await expect(install({ env: NO_PROGRAMS, onProgress })).rejects.toThrow('does not have its 10 bytes')
    expect(Math.max(0, ...unpacked)).toBeLessThanOrEqual(10)
  })

  test('Ctrl-C: what was unpacked goes, the wheel stays', async () => {
    const controller = new AbortController()
    const reason = new Error('Ctrl-C')
    const onProgress = () => controller.abort(reason)
    await expect(install({ signal: controller.signal, onProgress })).rejects.toBe(reason)
    expect(readdirSync(root)).toEqual([wheelName(pinned, pinned.wheels[0]!)])
  })
})

describe('refused before anything is written', () => {
  test('no space', async () => {
    await expect(install({ freeBytes: async () => 1024 * 1024 })).rejects.toThrow(
      /^installing OpenVINO failed: \d+ MiB are needed in .*, 1 MiB are free; free some space, or set TANDEM_HOME/,
    )
    expect(readdirSync(root)).toEqual([])
  })

  test('no Python: what to do', async () => {
    await expect(install({ env: NO_PROGRAMS })).rejects.toThrow(
      /no Python with pip is here \(python3 is not on the PATH.*install Python 3 with pip.*openvino\.folder or INTEL_OPENVINO_DIR/s,
    )
    expect(readdirSync(root)).toEqual([])
  })

  test('a machine that no wheel is for', async () => {
    await expect(install({ platform: 'darwin', arch: 'x64' })).rejects.toThrow(
      'there is no OpenVINO 2099.1.2 for darwin/x64, only for linux/x64',
    )
    expect(existsSync(root)).toBe(false)
  })

  test.runIf(process.platform === 'linux')('a C library that is too old', async () => {
    const wheels = pinned.wheels.map((wheel) => ({ ...wheel, glibc: '9.9' }))
    await expect(install({ pinned: { ...pinned, wheels } })).rejects.toThrow('needs glibc 9.9; here is ')
  })
})
