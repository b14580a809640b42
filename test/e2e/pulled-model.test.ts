import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { FakeHub } from '../fakes/hub.ts'
import { optimumFiles, sentenceRepository } from '../support/sentence-repository.ts'
import { BIN } from '../support/server.ts'

const NAME = 'someone/sentences'
const TEXTS = ['how are expired sessions removed', 'a queue that is bounded refuses work']

let home: string
let hub: FakeHub
let expected: number[][]

/** Runs the command line as a user does. @throws Error with its messages when it fails */
function tandem(args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const all = { ...process.env, TANDEM_HOME: home, TANDEM_HUB_URL: hub.url, ...env }
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [BIN, ...args],
      { cwd: home, env: all, timeout: 250_000 },
      (error, stdout, stderr) => (error ? reject(new Error(stderr, { cause: error })) : resolve(stdout)),
    )
  })
}

const embed = async (env: Record<string, string>) =>
  JSON.parse(await tandem(['embed', ...TEXTS, '--json'], env)) as {
    model: string
    fingerprint: string
    embeddings: number[][]
  }
const cosine = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, i) => sum + value * b[i]!, 0)

function expectSameVectors(embeddings: readonly number[][]): void {
  embeddings.forEach((vector, i) => {
    expect(vector).toHaveLength(384)
    expect(cosine(vector, expected[i]!)).toBeGreaterThan(0.9999)
  })
}

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'tandem-home-'))
  hub = await new FakeHub({ [NAME]: sentenceRepository() }).listen()
  expected = (await embed({})).embeddings
})
afterAll(async () => {
  await hub.close()
  rmSync(home, { recursive: true, force: true, maxRetries: 3 })
})

test('a pulled model embeds as the one it was made from', async () => {
  await tandem(['pull', NAME])
  const { model, embeddings } = await embed({ TANDEM_MODELS_EMBED: NAME })
  expect(model).toBe(NAME)
  expectSameVectors(embeddings)
  const { checks } = JSON.parse(await tandem(['doctor', '--json'], { TANDEM_SERVER_PORT: '0' }))
  expect(checks).toContainEqual(expect.objectContaining({ id: `model:${NAME}`, state: 'ok' }))
})

test('a folder of another program embeds by its path', async () => {
  const folder = join(home, 'export')
  for (const [path, content] of Object.entries(optimumFiles('onnx'))) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), content)
  }
  const { model, fingerprint, embeddings } = await embed({ TANDEM_MODELS_EMBED: folder })
  expect(model).toBe('export')
  expectSameVectors(embeddings)

  const moved = join(home, 'elsewhere', 'export')
  cpSync(folder, moved, { recursive: true })
  expect((await embed({ TANDEM_MODELS_EMBED: moved })).fingerprint).toBe(fingerprint)
})
