/** A model whose OpenVINO files make other vectors than its ONNX files: kept out of the index, and said so. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import type { Plan } from '../../src/domain/index.ts'
import { indexed, post, search, statusOf, until } from '../support/api.ts'
import { copyModel } from '../support/changed-model.ts'
import { tandem } from '../support/cli.ts'
import { MadeUpTree } from '../support/made-up-tree.ts'
import { describeOpenVino, openVinoFolder } from '../support/openvino.ts'
import { readIndex } from '../support/read-index.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const MODEL = 'twin-embed'
const REFUSED =
  /openvino on cpu: its vectors differ from those that .+ made \(cosine -?0\.\d+, 0\.99 needed\)/i

const cleanUp: (() => unknown)[] = []
afterEach(async () => {
  for (const task of cleanUp.splice(0).reverse()) await task()
})

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tandem-refused-'))
  cleanUp.push(() => rm(folder, { recursive: true, force: true }))
  return folder
}

async function started(home: string, config: Record<string, unknown>, projects: string[] = []) {
  const server = await startTestServer({ home, config, projects })
  cleanUp.push(async () => {
    server.signal('SIGKILL')
    await server.exited
  })
  return server
}

/** What the plan says of a placement that makes other vectors. */
const REJECTED = /^refused: vectors differ, cosine -?0\.\d+$/

/** Waits until the plan has done without openvino. @returns why */
async function refusal(server: TestServer): Promise<string> {
  let why: string | undefined
  await until(async () => {
    const { workers } = await statusOf(server)
    if (workers.some(({ engine, state }) => engine === 'openvino' && state === 'ready'))
      throw new Error('it was admitted')
    const { tasks } = (await (await fetch(`${server.url}/tandem/v1/plan`)).json()) as Plan
    why = tasks.embed?.[0]?.insteadOf?.reason
    return why !== undefined
  }, 'a plan without openvino')
  return why!
}

describeOpenVino('a model that differs', () => {
  test('[vector-safe] after onnxruntime indexed a project: openvino is refused, the index stays, answers go on', async () => {
    const tree = await MadeUpTree.make(6, 3)
    cleanUp.push(() => tree.remove())
    const [home, folder] = [await newFolder(), await newFolder()]
    const change = await copyModel(folder, MODEL, { references: false })
    const models = { folders: [folder], embed: MODEL }

    const first = await started(home, { models }, [tree.root])
    await indexed(first)
    const before = await search(first, 'sumOrders3Part1')
    await first.stop()
    const original = readIndex(home)
    expect(original.chunks.length).toBeGreaterThan(0)

    await change()
    const pinned = {
      models,
      openvino: { folder: openVinoFolder },
      placement: { embed: 'openvino@CPU' },
    }
    const second = await started(home, pinned)
    expect(await refusal(second)).toMatch(REJECTED)
    expect(await indexed(second)).toMatchObject({ embedded: 0 })
    expect(await search(second, 'sumOrders3Part1')).toEqual(before)

    const response = await post(second, '/v1/embeddings', { model: MODEL, input: 'hello' })
    expect(response.status).toBe(200)
    expect(response.headers.get('x-tandem-engine')).toBe('onnxruntime')
    expect(response.headers.get('x-tandem-fallback')).toMatch(
      /^openvino on CPU: refused: vectors differ, cosine -?0\.\d+$/,
    )

    const warnings = second.log().trim().split('\n')
    expect(warnings.filter((line) => REFUSED.test(line))).toHaveLength(1) // not tried again
    const status = await tandem(['status'], { home })
    expect(status.stdout).toMatch(
      /embed runs on cpu instead of openvino on CPU: refused: vectors differ, cosine/,
    )

    // exclusively asked for, beside the server that has given up on it
    const asked = await tandem(['embed', '--engine', 'openvino', '--device', 'CPU', 'hello', '--json'], {
      home,
    })
    expect(asked).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(REFUSED) })

    await second.stop()
    expect(readIndex(home)).toEqual(original)
  })

  test('[vector-safe] a model that brings its reference vectors along: refused at its first use', async () => {
    const [home, folder] = [await newFolder(), await newFolder()]
    const change = await copyModel(folder, MODEL, { references: true })
    await mkdir(home, { recursive: true })
    await writeFile(
      join(home, 'tandem.yaml'),
      JSON.stringify({ models: { folders: [folder], embed: MODEL }, openvino: { folder: openVinoFolder } }),
    )
    const args = ['embed', '--engine', 'openvino', 'hello', '--json']
    expect(await tandem(args, { home })).toMatchObject({ code: 0 })
    await change()
    const refused = await tandem(args, { home })
    expect(refused).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(REFUSED) })
    expect(refused.stderr).toContain(join(folder, MODEL, 'tandem.reference.json'))
  })
})
