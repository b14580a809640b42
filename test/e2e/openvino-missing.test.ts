/** OpenVINO is asked for and cannot be used: who asks for it gets the reason, who does not never hears of it. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { embed } from '../support/api.ts'
import { tandem } from '../support/cli.ts'
import { startTestServer } from '../support/server.ts'

const ANSWER_IN_TIME = { timeout: 600_000 }

let home: string
/** A machine without Python and without variables that name an OpenVINO. */
let bare: Record<string, string>
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'tandem-home-'))
  const path = join(home, 'no-programs')
  await mkdir(path)
  bare = { PATH: path }
})
afterAll(() => rm(home, { recursive: true, force: true }))

const fallbackOf = (response: Response) => response.headers.get('x-tandem-fallback')

describe('no OpenVINO on the machine', () => {
  test('asked for by a command: what to do, exit code 2', ANSWER_IN_TIME, async () => {
    const args = ['embed', '--engine', 'openvino', '--device', 'HETERO:CPU', 'hello', '--json']
    const { code, stdout, stderr } = await tandem(args, { home, env: bare })
    expect({ code, stdout, stderr }).toMatchObject({ code: 2, stdout: '' })
    expect(stderr).toContain('OpenVINO knows no device here (none was found)')
    expect(stderr).toContain('`tandem setup openvino`')
  })

  test('its devices: what to do, exit code 1', ANSWER_IN_TIME, async () => {
    const { code, stdout, stderr } = await tandem(['devices', '--engine', 'openvino'], { home, env: bare })
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain('no OpenVINO can be used: none was found; `tandem setup openvino`')
  })

  test('a placement that cannot be ends the start and says why', ANSWER_IN_TIME, async () => {
    const env = { ...bare, TANDEM_PLACEMENT_EMBED: 'openvino@NPU' }
    for (const args of [['serve', '--port', '0'], ['plan'], ['search', 'x']]) {
      const { code, stdout, stderr } = await tandem(args, { home, env })
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
      expect(stderr).toContain(`placement.embed: tandem-embed-small cannot be placed as asked (openvino@NPU)`)
      expect(stderr).toContain('OpenVINO knows no device here (none was found)')
    }
  })

  test('nothing is asked for: no fallback is told, nothing is logged', ANSWER_IN_TIME, async () => {
    const server = await startTestServer({ env: bare })
    try {
      expect(fallbackOf(await embed(server, 'hello'))).toBeNull()
      expect(server.log()).toBe('')
    } finally {
      await server.stop()
    }
  })
})

describe('an OpenVINO that is named and is none', () => {
  const cleanUp: (() => unknown)[] = []
  afterEach(async () => {
    for (const task of cleanUp.splice(0)) await task()
  })

  async function homeWith(openvino: object): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'tandem-home-'))
    cleanUp.push(() => rm(folder, { recursive: true, force: true }))
    await writeFile(join(folder, 'tandem.yaml'), JSON.stringify({ openvino }))
    return folder
  }

  test.each([['serve', '--port', '0'], ['embed', 'hello'], ['devices', '--engine', 'openvino'], ['plan']])(
    'openvino.folder without it: %s says so',
    ANSWER_IN_TIME,
    async (...args) => {
      const named = await homeWith({ folder: 'not-there' })
      const { code, stdout, stderr } = await tandem(args, { home: named })
      expect({ code, stdout, stderr }).toMatchObject({ code: 1, stdout: '' })
      expect(stderr).toContain(join(named, 'not-there'))
      expect(stderr).toContain('`tandem setup openvino` finds or installs it')
    },
  )

  test.each([
    ['a damaged installation of its own', 'openvino/2026.4.1/libs', {}, 'is damaged'],
    ['a library that does not load', 'archive', { INTEL_OPENVINO_DIR: 'archive' }, 'does not load'],
    ['a variable that names nothing', 'archive', { INTEL_OPENVINO_DIR: 'gone' }, 'INTEL_OPENVINO_DIR: no'],
  ])(
    '%s: a placement on it ends the start with the reason',
    ANSWER_IN_TIME,
    async (_, folder, variables, says) => {
      const broken = await homeWith({})
      const libs = join(broken, folder)
      await mkdir(libs, { recursive: true })
      await writeFile(join(libs, libraryName()), 'no library at all')
      const paths = Object.entries(variables).map(([name, path]) => [name, join(broken, path)])
      const env = { ...bare, ...Object.fromEntries(paths), TANDEM_PLACEMENT_EMBED: 'openvino' }
      const { code, stdout, stderr } = await tandem(['serve', '--port', '0'], { home: broken, env })
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
      expect(stderr).toContain('placement.embed: tandem-embed-small cannot be placed as asked (openvino)')
      expect(stderr).toContain(says)
    },
  )
})

function libraryName(): string {
  if (process.platform === 'win32') return 'openvino_c.dll'
  return process.platform === 'darwin' ? 'libopenvino_c.dylib' : 'libopenvino_c.so'
}
