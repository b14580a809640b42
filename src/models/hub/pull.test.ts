import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FakeHub } from '../../../test/fakes/hub.ts'
import { sentenceRepository } from '../../../test/support/sentence-repository.ts'
import { PACKAGE_ROOT } from '../../config/index.ts'
import { loadCatalogue } from '../catalogue.ts'
import { modelFolders } from '../folders.ts'
import { verifyModel } from '../verify.ts'
import { type Pulled, type PullRequest, pullModel } from './pull.ts'

let home: string
let hub: FakeHub
let said: string[]

const NAME = 'someone/sentences'
const RANGE = 1024 * 1024

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'tandem-pull-'))
  hub = await new FakeHub({ [NAME]: sentenceRepository() }).listen()
  said = []
})
afterEach(async () => {
  await hub.close()
  await rm(home, { recursive: true, force: true })
})

async function pull(changes: Partial<PullRequest> = {}) {
  return pullModel({
    name: NAME,
    dryRun: false,
    home,
    hub: { url: hub.url },
    env: {},
    signal: new AbortController().signal,
    onProgress: () => undefined,
    say: (message) => said.push(message),
    ...changes,
    tuning: { backoffMs: 1, rangeBytes: RANGE, ...changes.tuning },
  })
}

async function pulled(changes: Partial<PullRequest> = {}): Promise<Pulled> {
  const outcome = await pull(changes)
  if (outcome.state === 'ambiguous') throw new Error(outcome.why)
  return outcome
}

const folder = (): string => join(home, 'models', 'someone--sentences')
const WEIGHTS = 'onnx/model_quantized.onnx'

describe('a repository', () => {
  test('is fetched, verified and found by the catalogue', async () => {
    const outcome = await pulled()
    expect(outcome).toMatchObject({
      state: 'pulled',
      id: NAME,
      format: 'onnx',
      license: 'apache-2.0',
      warnings: [],
    })
    expect(outcome.fetchedBytes).toBe(outcome.totalBytes)
    const model = (await loadCatalogue(modelFolders(home, []))).find(NAME)
    expect(model).toMatchObject({
      revision: hub.shaOf(NAME),
      tasks: ['embed'],
      contextTokens: 512,
      embedding: { pooling: 'mean', normalize: true, dimensions: 384, text: { splitCamelCase: false } },
    })
    await verifyModel(model)
    const shipped = await readFile(join(PACKAGE_ROOT, 'models', 'tandem-embed-small', WEIGHTS))
    expect((await readFile(join(model.folder, WEIGHTS))).equals(shipped)).toBe(true)
    expect((await readdir(join(home, 'models'))).sort()).toEqual(['someone--sentences'])
    expect((await readdir(folder())).includes('.journal')).toBe(false)
  })
})
