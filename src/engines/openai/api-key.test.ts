/** The system's programs are stood in for by scripts that print what they are asked, or a key; those of Windows are not run here. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
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
    const script = (expected: string) =>
      `#!/bin/sh\ncase "$*" in\n"${expected}") echo ${KEY};;\n*) echo "no entry: ${KEY}" >&2; exit 1;;\nesac\n`
    const programs = {
      'secret-tool': 'lookup service tandem account team',
      security: 'find-generic-password -s tandem -a team -w',
    }
    for (const [program, expected] of Object.entries(programs)) {
      await writeFile(join(folder, program), script(expected))
      await chmod(join(folder, program), 0o755)
    }
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  test.each(['linux', 'darwin'] as const)('of %s is asked by its own program', async (platform) => {
    expect(await readKeychain('team', { env, platform, signal })).toBe(KEY)
    expect(await readKeychain('other', { env, platform, signal })).toBeUndefined()
  })

  test('without an entry, or without its program, tells what to do and nothing of any key', async () => {
    const error = await apiKeyOf({ apiKeyKeychain: 'other' }, env, signal).catch((thrown: Error) => thrown)
    expect((error as Error).message).toMatch(/keychain as other, which has no such entry; store it with `/)
    expect((error as Error).message).not.toContain(KEY)
    const none = apiKeyOf({ apiKeyKeychain: 'team' }, { PATH: join(folder, 'nowhere') }, signal)
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
