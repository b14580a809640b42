import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Config } from '../config/index.ts'
import { TandemError } from '../domain/index.ts'
import { createLog } from '../telemetry/index.ts'
import type { ProjectEvent, Projects } from './contract.ts'
import { createProjects, type ProjectsOptions, type Retrieval } from './projects.ts'
import { findPassages } from './retrieval/index.ts'
import { startServing, type TestServing } from './serving.suite.ts'
import type { IndexStore, OpenStore } from './store/contract.ts'
import { openEmbeddedStore } from './store/index.ts'

/** The lexical arms alone: what this room adds to a search is which index is asked. */
const retrieval: Retrieval = {
  findPassages,
  async searchProject(store, _, model, text, { limit = 5 } = {}) {
    const { hits, best } = await store.search({ text, limit, explain: false })
    return { hits, best, servedBy: { model, engine: 'onnxruntime', device: 'cpu', simulated: false } }
  },
}

let serving: TestServing
let base: string
let root: string
let projects: Projects
beforeAll(async () => {
  serving = await startServing()
})
afterAll(() => serving.stop())
beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'tandem-projects-')))
  root = join(base, 'tree')
  mkdirSync(root)
  projects = start()
})
afterEach(async () => {
  serving.fault = undefined
  await projects.close()
  rmSync(base, { recursive: true, force: true })
})

function start(more: Partial<ProjectsOptions> = {}): Projects {
  return createProjects({
    home: homeFolder(),
    serving,
    embedModel: () => serving.model,
    config: Config.parse({}),
    retrieval,
    log: createLog('silent'),
    ...more,
  })
}

function homeFolder(): string {
  const home = join(base, 'home')
  mkdirSync(home, { recursive: true })
  return home
}

function put(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
}

async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  for (const endMs = Date.now() + 200_000; Date.now() < endMs; ) {
    const seen = await look()
    if (seen !== undefined && seen !== false) return seen
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error(`never: ${what}; ${JSON.stringify(projects.list())}`)
}

const ready = (name = 'tree') =>
  until('ready', () => projects.get(name).state === 'ready' && projects.get(name))
const paths = async (query: string) => [
  ...new Set((await projects.search({ query, project: 'tree', limit: 20 })).hits.map((hit) => hit.path)),
]

describe('a project', () => {
  test('is indexed, with every chunk embedded once, and secrets and ignored files left out', async () => {
    put('src/queue.ts', 'export function takeBatch() {\n  return 1\n}\n')
    put('.env', 'TAKEBATCH_KEY=abc\n')
    put('.gitignore', 'dist/\n')
    put('dist/queue.js', 'function takeBatch() {}\n')
    const { status, created } = await projects.add({ path: root })
    expect(created).toBe(true)
    expect(status).toMatchObject({ name: 'tree', path: root, state: 'indexing' })
    const before = serving.embedded()
    expect(await ready()).toMatchObject({ files: 2, chunks: 2, embedded: 2 })
    expect(serving.embedded() - before).toBe(0 + 2)
    expect(await paths('takeBatch')).toEqual(['src/queue.ts'])
    expect(await projects.explain('tree', 'dist/queue.js')).toMatchObject({
      indexed: false,
      reason: 'ignored by .gitignore line 1 (dist/)',
    })
    expect(await projects.explain('tree', 'src/queue.ts')).toEqual({
      path: 'src/queue.ts',
      indexed: true,
      reason: 'indexed as typescript, 1 chunk',
      chunks: 1,
    })
  })

  test('a second start embeds nothing; changed, moved and deleted files are caught up', async () => {
    put('a.ts', 'export const alphaOne = 1\n')
    put('b.ts', 'export const bravoTwo = 2\n')
    put('c.ts', 'export const charlieThree = 3\n')
    await projects.add({ path: root })
    await ready()
    await projects.close()
    put('a.ts', 'export const alphaNew = 10\n')
    renameSync(join(root, 'b.ts'), join(root, 'moved.ts'))
    rmSync(join(root, 'c.ts'))
    const before = serving.embedded()
    projects = start()
    await projects.open()
    expect(await ready()).toMatchObject({ files: 2, chunks: 2, embedded: 1 })
    expect(serving.embedded() - before).toBe(1)
    expect(await paths('alphaNew')).toEqual(['a.ts'])
    expect(await paths('bravoTwo')).toEqual(['moved.ts'])
    expect(await paths('charlieThree')).not.toContain('c.ts')
  })

  test('a save, an atomic save, a new folder, a removed folder and a changed .gitignore are seen', async () => {
    put('a.ts', 'export const first = 1\n')
    const events: ProjectEvent[] = []
    projects.onEvent((event) => events.push(event))
    await projects.add({ path: root })
    await ready()
    put('a.ts', 'export const secondVersion = 1\n')
    await until('the save', async () => (await paths('secondVersion')).includes('a.ts'))
    put('a.ts.tmp', 'export const thirdVersion = 1\n')
    renameSync(join(root, 'a.ts.tmp'), join(root, 'a.ts'))
    await until('the atomic save', async () => (await paths('thirdVersion')).includes('a.ts'))
    mkdirSync(join(base, 'outside'))
    writeFileSync(join(base, 'outside', 'in.ts'), 'export const broughtIn = 1\n')
    renameSync(join(base, 'outside'), join(root, 'inside'))
    await until('the folder', async () => (await paths('broughtIn')).includes('inside/in.ts'))
    renameSync(join(root, 'inside'), join(base, 'outside'))
    await until('its end', async () => !(await paths('broughtIn')).includes('inside/in.ts'))
    put('.gitignore', 'a.ts\n')
    await until('the rule', async () => !(await paths('thirdVersion')).includes('a.ts'))
    expect(events.some((event) => event.type === 'updated' && event.paths.includes('a.ts'))).toBe(true)
    expect(await ready()).toMatchObject({ files: 1 })
  })

  test('a save is found while the rest still waits for its vectors', async () => {
    for (let n = 0; n < 200; n += 1)
      put(`many/f${n}.ts`, `export const value${n} = ${'compute(1) + '.repeat(20)}0\n`)
    let release = (): void => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    serving.fault = () => held
    await projects.add({ path: root })
    await until('chunks', () => projects.get('tree').chunks === 200)
    put('saved.ts', 'export const justSaved = 1\n')
    await until('the save', async () => (await paths('justSaved')).includes('saved.ts'))
    expect(projects.get('tree').state).toBe('indexing')
    release()
    expect(await ready()).toMatchObject({ chunks: 201, embedded: 201 })
  })

  test('a process that opens nothing knows what was indexed, also after a kill', async () => {
    put('a.ts', 'export const one = 1\n')
    await projects.add({ path: root })
    await ready()
    const other = start() // the first did not close: it could as well be gone
    await other.open({ follow: false })
    expect(other.list()).toEqual([
      { name: 'tree', path: root, files: 1, chunks: 1, embedded: 0, state: 'ready' },
    ])
    await other.close()
  })

  test('busy and restarting workers are waited for; other errors fail the project until something changes', async () => {
    put('a.ts', 'export const one = 1\n')
    let calls = 0
    serving.fault = () => {
      calls += 1
      if (calls === 1) throw new TandemError('QUEUE_FULL', { device: 'cpu', waiting: 256 })
      if (calls === 2) throw new TandemError('WORKER_LOST', { worker: 'embed', why: 'killed' })
    }
    await projects.add({ path: root })
    expect(await ready()).toMatchObject({ embedded: 1 })
    serving.fault = () => {
      throw new TandemError('ENGINE_FAILED', { engine: 'onnxruntime', why: 'a broken model' })
    }
    put('b.ts', 'export const two = 2\n')
    const failed = await until(
      'failed',
      () => projects.get('tree').state === 'failed' && projects.get('tree'),
    )
    expect(failed.error).toBe('onnxruntime failed: a broken model')
    serving.fault = undefined
    put('c.ts', 'export const three = 3\n')
    expect(await ready()).toMatchObject({ embedded: 3 })
  })

  test('a root that goes away is missing and keeps its index; it is followed again when it returns', async () => {
    put('a.ts', 'export const stayed = 1\n')
    await projects.add({ path: root })
    await ready()
    renameSync(root, join(base, 'away'))
    await until('missing', () => projects.get('tree').state === 'missing')
    expect(await paths('stayed')).toEqual(['a.ts'])
    writeFileSync(join(base, 'away', 'b.ts'), 'export const whileAway = 1\n')
    renameSync(join(base, 'away'), root)
    await until('back', async () => (await paths('whileAway')).includes('b.ts'))
    await ready()
    put('c.ts', 'export const afterReturn = 1\n')
    await until('followed', async () => (await paths('afterReturn')).includes('c.ts'))
  })
})

describe('names, paths and the registry', () => {
  test('adding is idempotent per path, also through a link; names are unique and checked', async () => {
    await projects.add({ path: root })
    expect(await projects.add({ path: join(root, '..', 'tree') })).toMatchObject({ created: false })
    mkdirSync(join(base, 'other', 'tree'), { recursive: true })
    const second = await projects.add({ path: join(base, 'other', 'tree') })
    expect(second.status.name).toBe('tree-2')
    mkdirSync(join(base, 'sp ace'))
    expect((await projects.add({ path: join(base, 'sp ace') })).status.name).toBe('sp-ace')
    await expect(projects.add({ path: join(base, 'other'), name: '../x' })).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
    })
    await expect(projects.add({ path: join(base, 'other'), name: 'tree' })).rejects.toMatchObject({
      code: 'CONFLICT',
    })
    await expect(projects.add({ path: join(base, 'gone') })).rejects.toMatchObject({ code: 'PATH_NOT_FOUND' })
    await expect(projects.search({ query: 'x' })).rejects.toMatchObject({ code: 'PROJECT_AMBIGUOUS' })
    await expect(projects.search({ query: 'x', project: 'nope' })).rejects.toMatchObject({
      code: 'PROJECT_NOT_FOUND',
    })
  })

  test('nested projects are allowed; a path belongs to the deepest', async () => {
    put('inner/a.ts', 'x')
    await projects.add({ path: root })
    await projects.add({ path: join(root, 'inner') })
    expect(projects.holding(join(root, 'inner', 'a.ts'))?.name).toBe('inner')
    expect(projects.holding(join(root, 'b.ts'))?.name).toBe('tree')
    expect(projects.holding(base)).toBeUndefined()
  })

  test('removing deletes the index and leaves the files', async () => {
    put('a.ts', 'x')
    await projects.add({ path: root })
    await ready()
    await projects.remove('tree')
    expect(projects.list()).toEqual([])
    expect(readdirSync(join(base, 'home', 'indexes'))).toEqual([])
    expect(existsSync(join(root, 'a.ts'))).toBe(true)
    await expect(projects.search({ query: 'x' })).rejects.toMatchObject({ code: 'NO_PROJECT' })
  })

  test('a broken registry is set aside, not overwritten', async () => {
    await projects.close()
    writeFileSync(join(base, 'home', 'projects.json'), '{"version": 1, "projects": [{"name": "../evil"}]}')
    projects = start()
    expect(projects.list()).toEqual([])
    const [kept] = readdirSync(join(base, 'home')).filter((name) => name.includes('.broken-'))
    expect(readFileSync(join(base, 'home', kept!), 'utf8')).toContain('evil')
    await projects.add({ path: root })
    expect(JSON.parse(readFileSync(join(base, 'home', 'projects.json'), 'utf8')).projects).toHaveLength(1)
  })

  test('an index that could not be opened is failed and says why; the next request tries again', async () => {
    await projects.close()
    let broken = true
    const openStore: OpenStore = (folder, space) =>
      broken
        ? Promise.reject(new TandemError('ENGINE_FAILED', { engine: 'the index store', why: 'disk' }))
        : openEmbeddedStore(folder, space)
    projects = start({ openStore })
    put('a.ts', 'export const one = 1\n')
    await projects.add({ path: root })
    expect(projects.get('tree')).toMatchObject({ state: 'failed', error: 'the index store failed: disk' })
    await expect(projects.search({ query: 'x' })).rejects.toMatchObject({ code: 'ENGINE_FAILED' })
    broken = false
    await projects.add({ path: root })
    expect(await ready()).toMatchObject({ files: 1, chunks: 1 })
  })

  test('indexing that failed is tried again by itself', async () => {
    await projects.close()
    let fault: keyof IndexStore | undefined = 'putFiles'
    let faults = 0
    const openStore: OpenStore = async (folder, space) => {
      const store = await openEmbeddedStore(folder, space)
      return new Proxy(store, {
        get(target, method: keyof IndexStore) {
          if (method !== fault) return target[method]
          return async () => {
            faults += 1
            throw new TandemError('ENGINE_FAILED', { engine: 'the index store', why: 'its thread ended' })
          }
        },
      })
    }
    projects = start({ openStore, retryMs: 50 })
    put('a.ts', 'export const one = 1\n')
    await projects.add({ path: root })
    const failed = () => projects.get('tree').state === 'failed'
    await until('failed while writing files', () => faults > 1 && failed())
    fault = 'putVectors'
    faults = 0
    await until('failed while writing vectors', () => faults > 1 && failed())
    fault = undefined
    expect(await ready()).toMatchObject({ files: 1, chunks: 1, embedded: 1 })
  })
})
