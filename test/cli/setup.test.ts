import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { describeOpenVino, openVinoLibrary } from '../support/openvino.ts'
import { runCli } from './run-cli.ts'

let home: string
beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'tandem-setup-')))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

const NO_PROGRAMS = { PATH: '' }
const setup = (env: Record<string, string>, ...args: readonly string[]) =>
  runCli(['setup', 'openvino', ...args], { cwd: home, home, env })

describeOpenVino('tandem setup openvino', () => {
  test('says which one it found, and asks it', async () => {
    const INTEL_OPENVINO_DIR = dirname(openVinoLibrary!)
    const { code, stdout, stderr } = await setup({ INTEL_OPENVINO_DIR, ...NO_PROGRAMS }, '--json')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(JSON.parse(stdout)).toMatchObject({
      source: 'environment',
      by: 'INTEL_OPENVINO_DIR',
      library: openVinoLibrary,
      installed: false,
    })
    const table = await setup({ INTEL_OPENVINO_DIR, ...NO_PROGRAMS })
    expect(table.stdout).toContain(`from INTEL_OPENVINO_DIR\n${openVinoLibrary}\n`)
  })

  test('the doctor names the same', async () => {
    const { stdout } = await runCli(['doctor', '--json'], {
      cwd: home,
      home,
      env: { INTEL_OPENVINO_DIR: dirname(openVinoLibrary!), ...NO_PROGRAMS },
    })
    const { checks } = JSON.parse(stdout) as { checks: { id: string; state: string; found: string }[] }
    const line = checks.find(({ id }) => id === 'openvino')
    expect(line).toMatchObject({ state: 'ok', found: expect.stringContaining('from INTEL_OPENVINO_DIR') })
  })
})

test('none, and no Python: what to do', async () => {
  const { code, stdout, stderr } = await setup(NO_PROGRAMS)
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toMatch(/no Python with pip is here .*install Python 3 with pip.*INTEL_OPENVINO_DIR/)
})

test('a configured folder without it is refused, and not installed over', async () => {
  mkdirSync(join(home, 'empty'))
  const env = { TANDEM_OPENVINO_FOLDER: join(home, 'empty'), ...NO_PROGRAMS }
  const found = await setup(env)
  expect(found).toMatchObject({ code: 1, stdout: '' })
  expect(found.stderr).toContain(`openvino.folder is ${join(home, 'empty')}: no OpenVINO C library`)
  expect((await setup(env, '--install')).stderr).toContain('remove openvino.folder')
})

test('a file in openvino.folder of tandem.yaml counts too', async () => {
  writeFileSync(join(home, 'tandem.yaml'), 'openvino:\n  folder: nowhere\n')
  expect((await setup(NO_PROGRAMS)).stderr).toContain(`in ${join(home, 'nowhere')} or its known`)
})
