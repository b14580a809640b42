import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { describeLlamaServer } from '../../../../test/support/llama-server.ts'
import { foundForTests } from '../../../../test/support/needs.ts'
import { Config } from '../../../config/index.ts'
import type { EngineDevice } from '../../../domain/index.ts'
import { discoverLlamaServer } from './discover.ts'

const home = mkdtempSync(join(tmpdir(), 'tandem-discover-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))
const cpu: EngineDevice = { engine: 'llama.cpp', name: 'cpu', kind: 'cpu', title: 'EPYC' }
const { signal } = new AbortController()

const discover = (llamaServer: object, more: { env?: NodeJS.ProcessEnv; signal?: AbortSignal } = {}) =>
  discoverLlamaServer({ config: Config.parse({ llamaServer }), home, env: {}, signal, ...more }, [cpu])

/** A program that fails in a way of its own. */
function broken(name: string, script: string): string {
  const path = join(home, name)
  writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  return path
}

describeLlamaServer('a llama-server', () => {
  const path = foundForTests('LLAMA_SERVER')

  test('tells its build and the devices that it runs on', async () => {
    const found = await discover({ path, args: ['--ctx-size=512'] })
    expect(found).toMatchObject({
      engine: 'openai',
      version: expect.stringMatching(/^llama-server b\d+ \(\w+\)/),
      settings: { managed: { binary: path, args: ['--ctx-size', '512'], logs: join(home, 'logs') } },
      warnings: [],
    })
    expect(found.devices.at(-1)).toEqual({ ...cpu, engine: 'openai' })
    expect(found.problem).toBeUndefined()
  })

  test.skipIf(process.platform === 'win32')(
    'stands in for one that does not start, which is told',
    async () => {
      const folder = join(home, 'engines', 'llama.cpp', 'b1-cpu')
      mkdirSync(folder, { recursive: true })
      broken(join('engines', 'llama.cpp', 'b1-cpu', 'llama-server'), 'exit 3')
      const bin = join(home, 'bin')
      mkdirSync(bin)
      writeFileSync(join(bin, 'llama-server'), `#!/bin/sh\nexec "${path}" "$@"\n`, { mode: 0o755 })
      const found = await discover({}, { env: { PATH: `${bin}:/usr/bin:/bin` } })
      expect(found.settings).toMatchObject({ managed: { binary: join(bin, 'llama-server') } })
      expect(found.warnings).toEqual([expect.stringContaining('b1-cpu/llama-server: exit code 3')])
    },
  )
})

describe.skipIf(process.platform === 'win32')('is none', () => {
  test.each([
    ['where nothing is', () => join(home, 'nothing'), /nothing: .*ENOENT/],
    [
      'that lacks a library',
      () =>
        broken(
          'lacks',
          'echo "x: error while loading shared libraries: libggml.so: cannot open" >&2; exit 127',
        ),
      /the shared library libggml\.so is missing/,
    ],
    ['that is something else', () => broken('else', 'echo hello'), /it tells no version/],
    ['that crashes', () => broken('crash', 'kill -SEGV $$'), /ended by SIGSEGV/],
  ])('%s', async (_, make, why) => {
    const found = await discover({ path: make() }, { env: process.env })
    expect(found.devices).toEqual([])
    expect(found.problem).toMatch(why)
    expect(found.warnings).toEqual([`llama-server: ${found.problem}`])
  })

  test('that was turned off: nobody is asked', async () => {
    const path = broken('asked', `touch ${join(home, 'was-asked')}`)
    expect(await discover({ enabled: false, path })).toMatchObject({
      devices: [],
      warnings: [],
      settings: {},
    })
    expect(existsSync(join(home, 'was-asked'))).toBe(false)
  })

  test('that never answers, once nobody waits any more', async () => {
    const path = broken('hangs', 'sleep 60')
    await expect(discover({ path }, { env: process.env, signal: AbortSignal.timeout(100) })).rejects.toThrow()
  })
})
