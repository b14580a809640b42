import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FakeReleases } from '../fakes/releases.ts'
import { linuxBuild } from '../support/llama-archive.ts'
import { runCli, startCli, until } from './run-cli.ts'

const ARCH = process.arch === 'arm64' ? 'arm64' : 'x64'
const NAME = `llama-b200-bin-ubuntu-vulkan-${ARCH}.tar.gz`
const BUILD = linuxBuild('b200', {
  devices: ['Vulkan0: Intel(R) Arc(tm) B580 Graphics (12216 MiB, 11800 MiB free)'],
})
/** More than two ranges of the downloader. */
const LARGE = linuxBuild('b200', { ballast: 20_000_000 })

let home: string
let releases: FakeReleases

beforeEach(async () => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'tandem-setup-')))
  releases = await new FakeReleases([{ tag: 'b200', assets: { [NAME]: BUILD } }]).listen()
})
afterEach(async () => {
  await releases.close()
  rmSync(home, { recursive: true, force: true })
})

const options = () => ({ cwd: home, home, env: { TANDEM_SETUP_LLAMA_CPP_RELEASES: releases.url } })
const args = (...more: readonly string[]) => ['setup', 'llama.cpp', '--backend', 'vulkan', ...more]
const run = (...more: readonly string[]) => runCli(args(...more), options())
const binary = () => join(home, 'engines', 'llama.cpp', 'b200-vulkan', 'llama-b200', 'llama-server')

// a shell's script stands for the program of a build for Linux
describe.skipIf(process.platform !== 'linux')('tandem setup llama.cpp', () => {
  test('installs, says where it is and what it sees; a second run says that it is there', async () => {
    const first = await run()
    expect(first).toMatchObject({ code: 0, stderr: '' })
    expect(first.stdout).toBe(
      `llama.cpp b200 for vulkan: installed\n${binary()}\nit says that it is b6869 (abcdef12)\n\n` +
        'device   name                            memory\n' +
        'Vulkan0  Intel(R) Arc(tm) B580 Graphics  12.8 GB\n' +
        'CPU\n',
    )
    await releases.close()
    const second = await run()
    expect(second).toMatchObject({ code: 0, stderr: '' })
    expect(second.stdout).toMatch(/^llama\.cpp b200 for vulkan: is there already\n/)
  })

  test('--json is one document; --dry-run fetches nothing', async () => {
    const planned = await run('--json', '--dry-run')
    expect(JSON.parse(planned.stdout)).toEqual({
      state: 'planned',
      release: 'b200',
      backend: 'vulkan',
      folder: join(home, 'engines', 'llama.cpp', 'b200-vulkan'),
      archive: NAME,
      sizeBytes: BUILD.length,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      url: `${releases.url}/download/b200/${NAME}`,
      fetchedBytes: 0,
      warnings: [],
    })
    expect(existsSync(join(home, 'engines'))).toBe(false)
    expect((await run('--dry-run')).stdout).toMatch(
      /: would be fetched\nllama-b200.*, from http.*\ninto .*b200-vulkan\n$/,
    )
    const { code, stdout } = await run('--json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      state: 'installed',
      binary: binary(),
      devices: [{ name: 'Vulkan0' }],
    })
  })

  test('--archive takes a file of the current folder', async () => {
    writeFileSync(join(home, NAME), BUILD)
    const { code, stdout } = await run('--archive', NAME)
    expect({ code, asked: releases.seen }).toEqual({ code: 0, asked: [] })
    expect(stdout).toContain(binary())
  })

  test('Ctrl-C says that what came is kept; the same command goes on from there', async () => {
    releases.releases = [{ tag: 'b200', assets: { [NAME]: LARGE } }]
    let files = 0
    releases.fault = (path) =>
      path.startsWith('/download/') && files++ > 0 ? { hangAfter: 1000 } : undefined
    const { child, output, ended } = startCli(args(), options())
    const journal = join(home, 'engines', 'llama.cpp', '.fetched', '.journal')
    await until(() => existsSync(journal) && readFileSync(journal, 'utf8').includes(NAME), 'a range is kept')
    child.kill('SIGINT')
    expect(await ended).toBe(130)
    expect(output.stderr).toContain('stopped; what was fetched is kept')
    releases.fault = () => undefined
    const { stdout } = await run('--json')
    const { state, fetchedBytes } = JSON.parse(stdout)
    expect(state).toBe('installed')
    expect(fetchedBytes).toBe(LARGE.length - 8 * 1024 * 1024)
  })
})

test.each<[string[], number, RegExp]>([
  [['--backend', 'cuda'], 2, /"cuda" is no backend; allowed: cpu, vulkan, sycl, openvino, metal/],
  [['--releases', 'ftp://x'], 2, /--releases: setup\.llamaCppReleases/],
  [['--release', 'a b'], 1, /"a b" is no name of a release/],
  [['--archive', 'nowhere.zip'], 1, /nowhere\.zip is no file/],
])('%j: exit %i', async (wrong, exit, says) => {
  const { code, stdout, stderr } = await runCli(['setup', 'llama.cpp', ...wrong], options())
  expect({ code, stdout }).toEqual({ code: exit, stdout: '' })
  expect(stderr).toMatch(says)
  expect(stderr).not.toMatch(/^\s+at /m)
})

test('without a network: what to do by hand', async () => {
  await releases.close()
  const { code, stdout, stderr } = await run()
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toMatch(
    /cannot be reached .*by hand: fetch llama-TAG-bin-.* from https:\/\/github\.com\/ggml-org\/llama\.cpp\/releases/,
  )
})
