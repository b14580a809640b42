import { spawn } from 'node:child_process'
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
import { FakeReleases } from '../../../../../test/fakes/releases.ts'
import { linuxBuild, windowsBuild } from '../../../../../test/support/llama-archive.ts'
import { makeTarGz } from '../../../../../test/support/make-tar.ts'
import { builtEntry } from '../../../../config/index.ts'
import { llamaServersIn } from '../find.ts'
import { installLlamaCpp } from './install.ts'
import type { InstallProgress, InstallRequest } from './request.ts'

const CPU = linuxBuild('b200')
const VULKAN = linuxBuild('b200', {
  devices: ['Vulkan0: Intel(R) Arc(tm) B580 Graphics (12216 MiB, 11800 MiB free)'],
})
const CPU_NAME = 'llama-b200-bin-ubuntu-x64.tar.gz'
const VULKAN_NAME = 'llama-b200-bin-ubuntu-vulkan-x64.tar.gz'
const LINUX = { platform: 'linux', arch: 'x64' } as const

let folder: string
let home: string
let root: string
let releases: FakeReleases

beforeEach(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'tandem-llama-')))
  home = join(folder, 'home')
  root = join(home, 'engines', 'llama.cpp')
  releases = await new FakeReleases([
    { tag: 'b200', assets: { [CPU_NAME]: CPU, [VULKAN_NAME]: VULKAN } },
  ]).listen()
})
afterEach(async () => {
  await releases.close()
  rmSync(folder, { recursive: true, force: true })
})

function install(more: Partial<InstallRequest> = {}) {
  return installLlamaCpp({
    home,
    env: { PATH: process.env['PATH'] },
    signal: new AbortController().signal,
    releasesUrl: releases.url,
    dryRun: false,
    hasGpu: async () => false,
    onProgress: () => undefined,
    say: () => undefined,
    machine: LINUX,
    ...more,
    tuning: { backoffMs: 1, attempts: 3, ...more.tuning },
  })
}

/** Puts a file beside the home, as somebody who fetched it would. */
function saved(name: string, content: Buffer): string {
  writeFileSync(join(folder, name), content)
  return join(folder, name)
}

// scripts of a shell stand for programs
describe.skipIf(process.platform === 'win32')('from the list of releases', () => {
  test('the build is checked, tried, in its place, and found; nothing else is left', async () => {
    const progress: InstallProgress[] = []
    const installed = await install({ onProgress: (step) => progress.push(step) })
    const binary = join(root, 'b200-cpu', 'llama-b200', 'llama-server')
    expect(installed).toMatchObject({
      state: 'installed',
      release: 'b200',
      backend: 'cpu',
      archive: CPU_NAME,
      binary,
      version: 'b6869 (abcdef12)',
      devices: [],
      fetchedBytes: CPU.length,
      warnings: [],
    })
    expect(readdirSync(root)).toEqual(['b200-cpu'])
    expect(readFileSync(join(root, 'b200-cpu', 'llama-b200', 'libllama.so')).length).toBe(2000)
    expect(await llamaServersIn({ home, env: {} })).toEqual([binary])
    expect([...new Set(progress.map(({ phase }) => phase))]).toEqual([
      'downloading',
      'verifying',
      'unpacking',
      'trying',
    ])
    expect(progress.findLast(({ phase }) => phase === 'unpacking')).toMatchObject({
      doneBytes: CPU.length,
      totalBytes: CPU.length,
    })
  })

  test('a second run says that it is there, and asks nobody', async () => {
    await install()
    const asked = releases.seen.length
    expect(await install()).toMatchObject({ state: 'present', release: 'b200', version: 'b6869 (abcdef12)' })
    expect(await install({ release: 'b200' })).toMatchObject({ state: 'present' })
    expect(releases.seen).toHaveLength(asked)
    expect(await install({ release: 'latest' })).toMatchObject({ state: 'present', fetchedBytes: 0 })
  })

  test('Vulkan where llama.cpp finds a GPU; its devices are listed', async () => {
    expect(await install({ hasGpu: async () => true })).toMatchObject({
      backend: 'vulkan',
      folder: join(root, 'b200-vulkan'),
      devices: [
        { name: 'Vulkan0', title: 'Intel(R) Arc(tm) B580 Graphics', memoryBytes: 12_216 * 1024 ** 2 },
      ],
      warnings: [],
    })
  })

  test('a GPU, and no build for it: the CPU', async () => {
    releases.releases = [{ tag: 'b200', assets: { [CPU_NAME]: CPU } }]
    expect(await install({ hasGpu: async () => true })).toMatchObject({ backend: 'cpu' })
  })

  test('a build for a GPU that sees none says so', async () => {
    releases.releases = [{ tag: 'b200', assets: { [VULKAN_NAME]: CPU } }]
    const { warnings } = await install({ backend: 'vulkan' })
    expect(warnings).toEqual([
      expect.stringMatching(/lists no device and would run on the CPU; .*libvulkan1/),
    ])
  })

  test('the newest release that has the build; a preview is none', async () => {
    const build = (tag: string) => ({ [`llama-${tag}-bin-ubuntu-sycl-fp16-x64.tar.gz`]: linuxBuild(tag) })
    releases.releases = [
      { tag: 'b203', assets: build('b203'), prerelease: true },
      { tag: 'b202', assets: { 'llama-b202-bin-ubuntu-x64.tar.gz': CPU } },
      { tag: 'b201', assets: build('b201') },
      { tag: 'b200', assets: build('b200') },
    ]
    expect(await install({ backend: 'sycl' })).toMatchObject({ release: 'b201' })
    expect(await install({ backend: 'sycl', release: 'b200' })).toMatchObject({ release: 'b200' })
    expect(readdirSync(root).sort()).toEqual(['b200-sycl', 'b201-sycl'])
  })

  test('no such build: what there is instead', async () => {
    await expect(install({ backend: 'openvino' })).rejects.toMatchObject({
      code: 'ENGINE_SETUP',
      message:
        'installing llama.cpp failed: no openvino build in release b200; for linux/x64 there is cpu, vulkan; take another with --backend, or an older release that has it with --release TAG',
    })
    await expect(install({ machine: { platform: 'freebsd', arch: 'x64' } })).rejects.toThrow(
      'there is nothing for freebsd/x64',
    )
    await expect(install({ release: 'b199' })).rejects.toThrow(/has no release b199; by hand: fetch/)
    expect(existsSync(root)).toBe(false)
  })

  test.each([
    'llama-..-bin-ubuntu-x64.tar.gz',
    String.raw`llama-b200-bin-ubuntu-x64\..\..\evil.tar.gz`,
    'llama-b200-bin-ubuntu-x64-C:evil.tar.gz',
    'llama-b200-bin-ubuntu-x64-\0.tar.gz',
    'llama-b200-bin-ubuntu-x64-/../evil.tar.gz',
  ])('a name that leads elsewhere is none of a build: %j', async (name) => {
    releases.releases = [{ tag: 'b200', assets: { [name]: CPU } }]
    await expect(install()).rejects.toThrow('there is nothing for linux/x64')
    expect(existsSync(root)).toBe(false)
  })

  test("Windows' builds are zips", async () => {
    const name = 'llama-b200-bin-win-vulkan-x64.zip'
    const devices = ['Vulkan0: Intel(R) Arc(TM) B580 Graphics (12216 MiB, 11800 MiB free)']
    releases.releases = [{ tag: 'b200', assets: { [name]: windowsBuild({ devices }) } }]
    const machine = { platform: 'win32', arch: 'x64' } as const
    expect(await install({ machine, hasGpu: async () => true })).toMatchObject({
      archive: name,
      binary: join(root, 'b200-vulkan', 'llama-server.exe'),
      devices: [{ name: 'Vulkan0' }],
    })
  })

  test('a mirror made of files names them beside its list', async () => {
    releases.relative = true
    expect(await install()).toMatchObject({
      state: 'installed',
      url: `${releases.url}/download/b200/${CPU_NAME}`,
    })
  })

  test('a dry run fetches nothing', async () => {
    expect(await install({ dryRun: true })).toMatchObject({
      state: 'planned',
      release: 'b200',
      archive: CPU_NAME,
      sizeBytes: CPU.length,
      folder: join(root, 'b200-cpu'),
    })
    expect(releases.sentBytes).toBe(0)
    expect(existsSync(home)).toBe(false)
  })

  test('a damaged installation is replaced; one that was unpacked by hand is left', async () => {
    const { binary = '' } = await install()
    writeFileSync(binary, 'cut')
    expect(await install()).toMatchObject({ state: 'installed' })
    rmSync(join(root, 'b200-cpu', 'installation.json'))
    expect(await install({ release: 'b200' })).toMatchObject({ state: 'present', release: 'b200', binary })
  })

  test('a folder that cannot be made: a sentence that says what to do', async () => {
    writeFileSync(home, 'a file')
    await expect(install()).rejects.toMatchObject({
      code: 'ENGINE_SETUP',
      message: expect.stringMatching(/ENOTDIR.*set TANDEM_HOME to another folder, and try again$/),
    })
  })

  test('two at once: one fetches, the other one waits for it', async () => {
    const [first, second] = await Promise.all([install(), install()])
    expect([first.state, second.state].sort()).toEqual(['installed', 'present'])
    expect(releases.sentBytes).toBe(CPU.length)
    expect(readdirSync(root)).toEqual(['b200-cpu'])
  })
})

describe.skipIf(process.platform === 'win32')('what goes wrong', () => {
  const large = linuxBuild('b200', { ballast: 3_000_000 })
  const rangeBytes = 256 * 1024
  const isFile = (path: string) => path.startsWith('/download/')

  test('a connection that is cut goes on from there', async () => {
    releases.releases = [{ tag: 'b200', assets: { [CPU_NAME]: large } }]
    let cuts = 0
    releases.fault = (path) => (isFile(path) && cuts++ < 2 ? { cutAfter: 100_000 } : undefined)
    expect(await install({ tuning: { rangeBytes } })).toMatchObject({
      state: 'installed',
      fetchedBytes: large.length,
    })
  })

  test('Ctrl-C keeps what was fetched, and the next run fetches the rest', async () => {
    releases.releases = [{ tag: 'b200', assets: { [CPU_NAME]: large } }]
    const controller = new AbortController()
    const reason = new Error('Ctrl-C')
    const onProgress = ({ phase, doneBytes }: InstallProgress) => {
      if (phase === 'downloading' && doneBytes > 4 * rangeBytes) controller.abort(reason)
    }
    const tuning = { rangeBytes, parallel: 1 }
    await expect(install({ signal: controller.signal, onProgress, tuning })).rejects.toBe(reason)
    expect(readdirSync(root)).toEqual(['.fetched'])
    const { fetchedBytes } = await install({ tuning })
    expect(fetchedBytes).toBeGreaterThan(0)
    expect(fetchedBytes).toBeLessThanOrEqual(large.length - 4 * rangeBytes)
    expect(readdirSync(root)).toEqual(['b200-cpu'])
  })

  test.each(['downloading', 'unpacking', 'trying'] as const)(
    'killed while %s: half of it is never there, and the next run finishes',
    async (phase) => {
      expect(await killedWhile(phase)).toBe('SIGKILL')
      expect(existsSync(join(root, 'b200-cpu'))).toBe(false)
      const sent = releases.sentBytes
      expect(await install()).toMatchObject({ state: 'installed' })
      if (phase !== 'downloading') expect(releases.sentBytes).toBe(sent)
      expect(readdirSync(root)).toEqual(['b200-cpu'])
    },
  )

  test('another content than the list says is refused, and not kept', async () => {
    releases.fault = (path) => (isFile(path) ? 'flip' : undefined)
    await expect(install()).rejects.toMatchObject({
      code: 'DOWNLOAD_BAD',
      message: expect.stringMatching(/twice SHA-256 [0-9a-f]{64}, announced was [0-9a-f]{64}; nothing/),
    })
    expect(readdirSync(root)).toEqual(['.fetched'])
    expect(readdirSync(join(root, '.fetched'))).toEqual(['.journal'])
  })

  test('a list without a hash: refused, unless the user gives it; a wrong one is refused', async () => {
    const { sha256 } = await install({ dryRun: true })
    releases.digestOf = () => null
    await expect(install()).rejects.toThrow(/has no SHA-256 of llama-b200.*give the right one with --sha256/)
    await expect(install({ sha256: 'f'.repeat(64) })).rejects.toMatchObject({ code: 'DOWNLOAD_BAD' })
    expect(await install(sha256 === undefined ? {} : { sha256 })).toMatchObject({
      state: 'installed',
      sha256,
    })
  })

  test('the hash of the list and that of the user must agree', async () => {
    await expect(install({ sha256: 'f'.repeat(64) })).rejects.toThrow(/gives llama-b200.* --sha256 says ffff/)
    expect(releases.sentBytes).toBe(0)
  })

  test('no network: which file, from where, into which folder', async () => {
    await releases.close()
    const offline = install({ backend: 'vulkan' })
    await expect(offline).rejects.toThrow(
      /^installing llama\.cpp failed: the list of releases at .* cannot be reached \(/,
    )
    await expect(offline).rejects.toThrow(
      `fetch llama-TAG-bin-ubuntu-vulkan-x64.tar.gz (TAG is that of the release) from https://github.com/ggml-org/llama.cpp/releases, then \`tandem setup llama.cpp --archive FILE\`, or unpack it into ${join(root, 'TAG-vulkan')}`,
    )
  })

  test('a file that cannot be fetched is named', async () => {
    releases.fault = (path) => (isFile(path) ? { status: 404 } : undefined)
    await expect(install()).rejects.toThrow(
      new RegExp(`answered 404; by hand: fetch ${CPU_NAME} from .* into .*b200-cpu$`),
    )
  })

  test('a list that is asked too often says until when', async () => {
    const headers = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1900000000' }
    releases.fault = () => ({ status: 403, headers })
    await expect(install()).rejects.toThrow(
      'takes no more requests of this address before 2030-03-17T17:46:40',
    )
  })

  test('a build that does not run here: why, what it needs, and it is not fetched again', async () => {
    const missing =
      'llama-server: error while loading shared libraries: libsycl.so.8: cannot open shared object file: No such file or directory'
    const name = 'llama-b200-bin-ubuntu-sycl-fp16-x64.tar.gz'
    releases.releases = [{ tag: 'b200', assets: { [name]: linuxBuild('b200', { fails: missing }) } }]
    const says =
      /does not run here: the shared library libsycl\.so\.8 is missing.*oneAPI runtime.*setvars\.sh/
    await expect(install({ backend: 'sycl' })).rejects.toThrow(says)
    expect(readdirSync(root)).toEqual(['.fetched'])
    const sent = releases.sentBytes
    await expect(install({ backend: 'sycl' })).rejects.toThrow(says)
    expect(releases.sentBytes).toBe(sent)
  })

  test.each([
    ['that leads out of its folder', makeTarGz([{ name: '../../evil', content: 'e' }]), 'leaves the archive'],
    ['without a llama-server', makeTarGz([{ name: 'llama-b200/LICENSE' }]), 'there is no llama-server in it'],
    ['that is none', Buffer.from('<html>'), 'cannot be unpacked'],
  ])('an archive %s is refused', async (_name, content, says) => {
    releases.releases = [{ tag: 'b200', assets: { [CPU_NAME]: content } }]
    await expect(install()).rejects.toThrow(says)
    expect(readdirSync(root)).toEqual(['.fetched'])
    expect(existsSync(join(home, 'engines', 'evil'))).toBe(false)
  })

  test.each([
    [{ release: '../evil' }, '"../evil" is no name of a release'],
    [{ sha256: 'abc' }, '"abc" is no SHA-256'],
  ])('%o is refused', async (wrong, says) => {
    await expect(install(wrong)).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
      message: expect.stringContaining(says),
    })
  })
})

describe.skipIf(process.platform === 'win32')('from a file', () => {
  test('without a network', async () => {
    const archive = saved(VULKAN_NAME, VULKAN)
    expect(await install({ archive })).toMatchObject({
      state: 'installed',
      release: 'b200',
      backend: 'vulkan',
      folder: join(root, 'b200-vulkan'),
    })
    expect(releases.seen).toEqual([])
    expect(existsSync(archive)).toBe(true)
    expect(await install({ archive, release: 'latest' })).toMatchObject({ state: 'present', release: 'b200' })
  })

  test('another name: told by --release and --backend', async () => {
    const archive = saved('mine.tar.gz', CPU)
    await expect(install({ archive })).rejects.toThrow('mine.tar.gz does not tell its release and backend')
    expect(await install({ archive, release: 'mine', backend: 'cpu' })).toMatchObject({
      folder: join(root, 'mine-cpu'),
    })
  })

  test.each([
    ['for another machine', 'llama-b200-bin-macos-arm64.tar.gz', 'is for darwin/arm64; here is linux/x64'],
    ['that is no archive', 'llama-server', 'llama-server is no archive; allowed: zip, tar.gz'],
  ])('one %s is refused', async (_name, name, says) => {
    await expect(install({ archive: saved(name, CPU) })).rejects.toThrow(says)
  })

  test('one with another hash than --sha256, and one that is not there', async () => {
    const archive = saved(CPU_NAME, CPU)
    await expect(install({ archive, sha256: 'f'.repeat(64) })).rejects.toThrow(/--sha256 says ffff/)
    mkdirSync(join(folder, 'a-folder'))
    for (const none of ['nowhere.tar.gz', 'a-folder'])
      await expect(install({ archive: join(folder, none) })).rejects.toThrow('is no file; --archive takes')
  })
})

/** Installs in another process, which kills itself at the first word of the phase. */
async function killedWhile(phase: string): Promise<unknown> {
  const entry = pathToFileURL(builtEntry('engines/openai/managed/install/index')).href
  const request = { home, env: {}, releasesUrl: releases.url, dryRun: false, machine: LINUX }
  const script = `import { installLlamaCpp } from ${JSON.stringify(entry)}
    const onProgress = ({ phase }) => phase === ${JSON.stringify(phase)} && process.kill(process.pid, 'SIGKILL')
    const { signal } = new AbortController()
    const more = { signal, onProgress, say: () => {}, hasGpu: async () => false }
    await installLlamaCpp({ ...${JSON.stringify(request)}, ...more })`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: 'inherit' })
  const [code, by] = await once(child, 'close')
  return by ?? code
}
