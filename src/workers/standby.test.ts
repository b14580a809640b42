import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { fakeWorker } from '../../test/fakes/fault-worker.ts'
import { isRunning, isStandby, workersOf } from '../../test/processes.ts'
import { StandbyPool } from './index.ts'
import { start, texts } from './worker.suite.ts'

const standbys = () => workersOf(process.pid).filter(isStandby)

describe.runIf(process.platform === 'linux')('[failure-domains] a process that stands by', () => {
  const worker = (pool: StandbyPool, lastPlacement = true) =>
    start(fakeWorker('embed', 'cpu', { standbys: pool, lastPlacement, limits: { standbyAfterMs: 50 } }))

  test('becomes the next life of the worker that died, and another one follows it', async () => {
    const only = worker(new StandbyPool())
    const { pid } = await only.ready()
    await expect.poll(standbys).toHaveLength(1)
    const [spare] = standbys()
    process.kill(pid!, 'SIGKILL')
    await expect.poll(() => only.info?.pid).toBe(spare)
    expect((await only.embed(texts('a'))).dimensions).toBe(8)
    await expect.poll(standbys).toHaveLength(1)
    expect(standbys()).not.toContain(spare)
    await only.stop(1000)
    await expect.poll(standbys).toEqual([])
  })

  test('is one for all workers that start alike, and goes with the last of them', async () => {
    const pool = new StandbyPool()
    const two = [
      worker(pool),
      start(
        fakeWorker('embed', 'npu0', { standbys: pool, lastPlacement: true, limits: { standbyAfterMs: 50 } }),
      ),
    ]
    await Promise.all(two.map((each) => each.ready()))
    await expect.poll(standbys).toHaveLength(1)
    await sleep(200)
    const [spare] = standbys()
    await two[0]?.stop(1000)
    expect(standbys()).toEqual([spare])
    two[1]?.rest()
    await expect.poll(() => isRunning(spare as number)).toBe(false)
  })

  test('is none where another placement serves, and goes when one does', async () => {
    const other = worker(new StandbyPool(), false)
    await other.ready()
    await sleep(200)
    expect(standbys()).toEqual([])
    other.setLastPlacement(true)
    await expect.poll(standbys).toHaveLength(1)
    other.setLastPlacement(false)
    await expect.poll(standbys).toEqual([])
  })

  test('that was killed itself is not used', async () => {
    const only = worker(new StandbyPool())
    const { pid } = await only.ready()
    await expect.poll(standbys).toHaveLength(1)
    const [spare] = standbys()
    process.kill(spare as number, 'SIGKILL')
    await expect.poll(() => isRunning(spare as number)).toBe(false)
    await sleep(200)
    process.kill(pid!, 'SIGKILL')
    await expect.poll(() => only.state).not.toBe('ready')
    expect((await only.ready()).pid).not.toBe(spare)
  })
})
