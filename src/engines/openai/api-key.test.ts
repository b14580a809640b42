/** The system's programs are stood in for by scripts that print what they are asked, or a key. */
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FAKE_SERVERS, startFakeModelServer } from '../../../test/fakes/model-servers.ts'
import { Config } from '../../config/index.ts'
import { apiKeyOf, keeperOf } from './api-key.ts'
import { discoverServers } from './discover.ts'
import { readKeychain } from './keychain.ts'

const { signal } = new AbortController()
const KEY = 'secret-of-the-test'

test.each([
  [undefined, {}],
  ['env:TEAM_KEY', { apiKeyEnv: 'TEAM_KEY' }],
  ['keychain:team', { apiKeyKeychain: 'team' }],
])('%j', (given, keeper) => {
  expect(keeperOf(given)).toEqual(keeper)
})

test('a variable holds it, or is named where it does not', async () => {
  expect(await apiKeyOf({}, {}, signal)).toBeUndefined()
  expect(await apiKeyOf({ apiKeyEnv: 'K' }, { K: KEY }, signal)).toBe(KEY)
  await expect(apiKeyOf({ apiKeyEnv: 'K' }, {}, signal)).rejects.toThrow(
    'in the variable K, which is not set',
  )
})

describe.skipIf(process.platform === 'win32')('a keychain', () => {
  let folder: string
  let env: NodeJS.ProcessEnv
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tandem-keychain-'))
    env = { PATH: folder, HOME: folder }
    const programs = {
      'secret-tool': ['lookup service tandem account', 1],
      security: ['find-generic-password -s tandem -a', 44],
    } as const
    for (const [program, [asked, none]] of Object.entries(programs))
      await script(
        join(folder, program),
        `case "$*" in
"${asked} team"*) echo ${KEY};;
"${asked} locked"*) echo "no entry: ${KEY}" >&2; exit 51;;
"${asked} mute"*) echo "no bus: ${KEY}" >&2; exit 1;;
*) exit ${none};;
esac`,
      )
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  async function script(path: string, body: string) {
    await writeFile(path, `#!/bin/sh\n${body}\n`)
    await chmod(path, 0o755)
  }

  test.each([
    ['linux', 'secret-tool'],
    ['darwin', 'security'],
  ] as const)('of %s is asked by its own program', async (platform, program) => {
    expect(await readKeychain('team', { env, platform, signal })).toBe(KEY)
    expect(await readKeychain('other', { env, platform, signal })).toBeUndefined()
    for (const [name, exit] of [
      ['locked', 51],
      ['mute', 1],
    ] as const)
      await expect(readKeychain(name, { env, platform, signal })).rejects.toThrow(
        new Error(`it could not be read (${program}: exit ${exit})`),
      )
  })

  test('of Windows is asked by PowerShell, which tells an entry that is missing from one that it cannot read', async () => {
    const shell = join(folder, 'System32', 'WindowsPowerShell', 'v1.0')
    await mkdir(shell, { recursive: true })
    const told = async (printed: string) => {
      await script(join(shell, 'powershell.exe'), `printf '%s' '${printed}'`)
      return readKeychain('team', { env: { SystemRoot: folder }, platform: 'win32', signal })
    }
    expect(await told(`key:${KEY}`)).toBe(KEY)
    expect(await told('error:1168')).toBeUndefined()
    await expect(told('error:1312')).rejects.toThrow(/^it could not be read \(CredRead: error 1312\)$/)
    await expect(told('')).rejects.toThrow(/^it could not be read \(CredRead: no answer\)$/)
  })

  test('without an entry, or without its program, tells what to do and nothing of any key', async () => {
    const error = await apiKeyOf({ apiKeyKeychain: 'other' }, env, signal).catch((thrown: Error) => thrown)
    expect((error as Error).message).toMatch(/keychain as other, which has no such entry; store it with `/)
    expect((error as Error).message).not.toContain(KEY)
    const none = apiKeyOf({ apiKeyKeychain: 'team-2' }, { PATH: join(folder, 'nowhere') }, signal)
    await expect(none).rejects.toThrow(/which reads it, is not here/)
  })

  test('gives the key that a server is looked at with; what is told of the server has its name only', async () => {
    const fake = await startFakeModelServer(FAKE_SERVERS.openai)
    const server = { name: 'team', url: fake.url, apiKey: 'keychain:team' }
    const config = Config.parse({ servers: [server], adopt: { discover: false } })
    const { servers, warnings } = await discoverServers(config, { env, signal })
    expect(warnings).toEqual([])
    expect(servers).toMatchObject([{ apiKeyKeychain: 'team' }])
    expect(fake.keys).toContain(`Bearer ${KEY}`)
    expect(JSON.stringify(servers)).not.toContain(KEY)
    await fake.stop()
  })
})
