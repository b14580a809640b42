/** `tandem plan` beside a running server and without one. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Plan, placementId, placementsOf } from '../../src/domain/index.ts'
import { statusOf } from '../support/api.ts'
import { tandem, tandemJson } from '../support/cli.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
let empty: string
beforeAll(async () => {
  empty = await mkdtemp(join(tmpdir(), 'tandem-home-'))
  server = await startTestServer()
})
afterAll(async () => {
  await server?.stop()
  await rm(empty, { recursive: true, force: true })
})

test('the same settings make no difference to the running plan', async () => {
  const { code, stdout, stderr } = await tandem(['plan', '--diff'], { home: server.home })
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'no difference\n', stderr: '' })
})

test('another policy is planned anew beside the running server, which goes on', async () => {
  const policies = { quiet: { base: 'economy', tasks: { embed: { prefer: ['npu'] } } } }
  const env = { TANDEM_PLACEMENT_POLICIES: JSON.stringify(policies) }
  const args = ['plan', '--policy', 'quiet']
  const plan = await tandemJson<{ policy: string; rejected: { reason: string }[] }>(args, {
    home: server.home,
    env,
  })
  expect(plan.policy).toBe('quiet')
  expect(plan.rejected.map(({ reason }) => reason)).toContain('policy quiet never uses the CPU for embed')
  const { code, stdout } = await tandem([...args, '--diff'], { home: server.home, env })
  expect(code).toBe(0)
  expect(stdout).toBe(
    'embed  tandem-embed-small: onnxruntime on cpu -> nothing\n    policy quiet never uses the CPU for embed\n',
  )
  expect(await tandemJson(['plan'], { home: server.home })).toMatchObject({ policy: 'development' })
})

test('compute threads of the CPU stand in the plan, as its workers have them', async () => {
  const { tasks } = await tandemJson<Plan>(['plan'], { home: server.home })
  const planned = placementsOf({ tasks }).map((each) => [placementId(each), each.threads])
  const { workers } = await statusOf(server)
  expect(planned).toEqual(workers.map(({ id, threads }) => [id, threads]))
  expect(planned.every(([, threads]) => Number(threads) >= 1)).toBe(true)
  const { stdout } = await tandem(['plan'], { home: server.home })
  expect(stdout.match(/^ +computes on \d+ threads? of the CPU$/gm)).toHaveLength(planned.length)
})

test('every line has at most 80 columns', async () => {
  const { stdout } = await tandem(['plan'], { home: server.home })
  expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([])
  expect(stdout).toContain('not measured yet: chosen by rule of thumb')
})

test('no server runs: nothing to compare with, exit code 1', async () => {
  const { code, stdout, stderr } = await tandem(['plan', '--diff'], { home: empty })
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toContain('no server runs, so there is no plan to compare with')
})

test('a device alone may be asked for, and one that is forbidden is an error', async () => {
  const env = { TANDEM_PLACEMENT_EMBED: 'cpu' }
  const plan = await tandemJson<{ tasks: Record<string, { reasons: string[] }[]> }>(['plan'], {
    home: empty,
    env,
  })
  expect(plan.tasks['embed']?.[0]?.reasons[0]).toBe('placement.embed asks for cpu')
  const { code, stderr } = await tandem(['plan'], {
    home: empty,
    env: { ...env, TANDEM_PLACEMENT_NEVER: 'cpu' },
  })
  expect(code).toBe(2)
  expect(stderr).toContain(
    'placement.embed: tandem-embed-small cannot be placed as asked (cpu): forbidden by',
  )
})
