/** What a person saves is found at once; what is secret or ignored never is. */
import { execFile } from 'node:child_process'
import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { SearchHit } from '../../src/domain/index.ts'
import { CHAT, indexed, post, search, statusOf, until } from '../support/api.ts'
import { MadeUpTree } from '../support/made-up-tree.ts'
import { BIN, startTestServer, type TestServer } from '../support/server.ts'

const SECRET = 'xylophoneQuokka'
const HIDDEN: Readonly<Record<string, string>> = {
  '.env': `API_TOKEN=${SECRET}`,
  '.env.production': `API_TOKEN=${SECRET}`,
  'deploy/id_ed25519': `-----BEGIN OPENSSH PRIVATE KEY-----\n${SECRET}\n-----END OPENSSH PRIVATE KEY-----\n`,
  'deploy/server.pem': SECRET,
  'src/pasted.ts': `export const key = \`-----BEGIN RSA PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\n${SECRET}\n-----END RSA PRIVATE KEY-----\`\n`,
  'drafts/plan.ts': `export const ${SECRET} = 'the API token'\n`,
  'src/private.notes.md': `# ${SECRET}\nThe API token is ${SECRET}.\n`,
  'src/own.ts': `export const ${SECRET} = 1\n`,
}
const SHARED = `/** The API token comes from the environment, never from the tree. */
export function readApiToken(env: Record<string, string>): string | undefined {
  return env.API_TOKEN
}
`

let tree: MadeUpTree
let server: TestServer

beforeAll(async () => {
  tree = await MadeUpTree.make(20, 3)
  await tree.write('.gitignore', 'drafts/\n')
  await tree.write('src/.gitignore', '*.notes.md\n')
  await tree.write('.tandemignore', 'src/own.ts\n')
  await tree.write('src/token.ts', SHARED)
  for (const [path, text] of Object.entries(HIDDEN)) await tree.write(path, text)
  server = await startTestServer({ projects: [tree.root] })
  await indexed(server)
})
afterAll(async () => {
  await server?.stop()
  await tree?.remove()
})

const embeddedSoFar = async () => (await indexed(server)).embedded

describe('a watched tree', () => {
  test('a saved file is found, by its vector too', async () => {
    const name = 'rotateLighthouseLamp'
    const text = `/** Turns the lamp. */\nexport function ${name}(degrees: number) {\n  return degrees % 360\n}\n`
    await tree.write('src/lamp.ts', text)
    await until(async () => (await search(server, name)).some((hit) => hit.text.includes(name)), 'the save')
    // No bound: the vector comes once the model had its turn.
    await until(
      async () => (await search(server, name)).some((hit) => hit.path === 'src/lamp.ts' && hit.arms?.vector),
      'its vector',
    )
  })

  test('of an edited file the new text is found and the old one is not', async () => {
    await tree.write('src/lamp.ts', 'export function dimTheLantern(watts: number) {\n  return watts / 2\n}\n')
    const isNew = (hit: SearchHit) => hit.path === 'src/lamp.ts' && hit.text.includes('dimTheLantern')
    await until(async () => (await search(server, 'dimTheLantern')).some(isNew), 'the edit')
    const hits = await search(server, 'rotateLighthouseLamp')
    expect(hits.filter((hit) => hit.text.includes('rotateLighthouseLamp'))).toEqual([])
  })

  test('a moved file is found under its new path and not embedded again', async () => {
    const before = await embeddedSoFar()
    await rename(join(tree.root, 'src/lamp.ts'), join(tree.root, 'src/lantern.ts'))
    await until(async () => (await search(server, 'dimTheLantern'))[0]?.path === 'src/lantern.ts', 'the move')
    await until(
      async () => !(await search(server, 'dimTheLantern')).some((hit) => hit.path === 'src/lamp.ts'),
      'the old path goes',
    )
    expect(await embeddedSoFar()).toBe(before)
    expect((await search(server, 'dimTheLantern'))[0]!.arms!.vector).toBeGreaterThan(0)
  })

  test('a deleted file is gone', async () => {
    await rm(join(tree.root, 'src/lantern.ts'))
    await until(
      async () => !(await search(server, 'dimTheLantern')).some((hit) => hit.text.includes('dimTheLantern')),
      'the deletion',
    )
  })
})

describe('secrets and ignored files', () => {
  const mayBeSeen = (path: string) => !Object.hasOwn(HIDDEN, path)

  test.each([SECRET, 'API_TOKEN', 'the API token', 'private key', '.env', 'plan.ts'])(
    '[private] a search for %j finds none',
    async (query) => {
      const hits = await search(server, query, 100)
      expect(hits.filter((hit) => !mayBeSeen(hit.path) || hit.text.includes(SECRET))).toEqual([])
    },
  )

  test('[private] an answer cites none', async () => {
    const messages = [{ role: 'user', content: 'Where does the API token come from?' }]
    const body = { model: `${CHAT}@${(await statusOf(server)).projects[0]!.name}`, messages }
    const response = await post(server, '/v1/chat/completions', body)
    const text = await response.text()
    const { tandem } = JSON.parse(text) as { tandem: { citations: { path: string }[] } }
    expect(tandem.citations.map(({ path }) => path)).toContain('src/token.ts')
    expect(tandem.citations.filter(({ path }) => !mayBeSeen(path))).toEqual([])
    expect(text).not.toContain(SECRET)
  })

  test('[private] one that is saved while the tree is watched is left out too', async () => {
    await tree.write('src/.env.local', `API_TOKEN=${SECRET}`)
    await tree.write('drafts/later.ts', `export const ${SECRET}Later = 2\n`)
    await writeFile(join(tree.root, 'src/after.ts'), 'export const savedAfterwards = 3\n')
    await until(
      async () => (await search(server, 'savedAfterwards'))[0]?.path === 'src/after.ts',
      'a later save',
    )
    const hits = await search(server, `${SECRET} ${SECRET}Later API_TOKEN`, 100)
    expect(hits.filter((hit) => hit.text.includes(SECRET))).toEqual([])
  })

  test.each([
    ['.env', /secret/],
    ['deploy/id_ed25519', /secret/],
    ['src/pasted.ts', /private key/],
    ['drafts/plan.ts', /\.gitignore line 1 \(drafts\/\)/],
    ['src/private.notes.md', /src\/\.gitignore line 1 \(\*\.notes\.md\)/],
    ['src/own.ts', /\.tandemignore line 1/],
    ['gone.ts', /no such file|does not exist/],
  ])('tandem index --explain %s says why', async (path, why) => {
    const explained = await explain(path)
    expect(explained).toMatchObject({ path, indexed: false })
    expect(explained.reason).toMatch(why)
  })

  test('tandem index --explain says how a file is indexed', async () => {
    expect(await explain('src/token.ts')).toMatchObject({ indexed: true, chunks: 1 })
  })
})

async function explain(path: string): Promise<{ indexed: boolean; reason: string }> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [BIN, 'index', '--explain', join(tree.root, path), '--json'],
    { cwd: tree.root, env: { ...process.env, TANDEM_HOME: server.home } },
  )
  return JSON.parse(stdout)
}
