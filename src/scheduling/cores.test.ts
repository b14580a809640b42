import { afterEach, expect, test } from 'vitest'
import { fakeWorker } from '../../test/fakes/fault-worker.ts'
import type { PlannedPlacement, Task } from '../domain/index.ts'
import { placementId } from '../domain/index.ts'
import { shareCores } from '../placement/index.ts'
import { startWorker, type Worker } from '../workers/index.ts'
import { CoreOwner, type ShareCores } from './cores.ts'

const BUDGET = { cores: 9, reserveCores: 1 }

const share: ShareCores = (placements, isAway) =>
  shareCores(
    placements.map((placement) => {
      const { task, role, device } = placement
      const id = placementId(placement)
      return { id, lane: task, task, role, does: device === 'cpu' ? 'computes' : 'feeds', away: isAway(id) }
    }),
    BUDGET,
  )

const workers: Worker[] = []
const owners: CoreOwner[] = []
afterEach(async () => {
  for (const owner of owners.splice(0)) owner.stop()
  await Promise.all(workers.splice(0).map((worker) => worker.stop(0)))
})

/** A chat on gpu0 and behind it the CPU, embeddings on the CPU; real processes that start with one thread each. */
async function started(settleMs: number) {
  const sharers = (
    [
      ['chat', 'gpu0', 'primary'],
      ['chat', 'cpu', 'fallback'],
      ['embed', 'cpu', 'primary'],
    ] as const
  ).map(([task, device, role]) => {
    const options = fakeWorker(task as Task, device, { lastPlacement: true })
    const placement: PlannedPlacement = { ...options.placement, role, reasons: [] }
    const worker = startWorker(options)
    workers.push(worker)
    return { worker, placement }
  })
  const over: number[] = []
  const owner = new CoreOwner({ share, sharers: () => sharers, settleMs, onOver: (now) => over.push(now) })
  owners.push(owner)
  const [gpu, standby, embed] = sharers.map(({ worker }) => worker) as [Worker, Worker, Worker]
  await Promise.all(sharers.map(({ worker }) => worker.ready()))
  for (const { worker } of sharers) worker.onEvent(() => owner.update())
  owner.update()
  const threads = () => [gpu.threads, standby.threads, embed.threads]
  return { gpu, standby, embed, threads, over, owner, sharers }
}

test('cores go over to the standby at once, and come back when the first of its lane stayed', async () => {
  const { gpu, threads } = await started(100)
  await expect.poll(threads).toEqual([1, 4, 7])
  expect(gpu.rest()).toBe(true)
  expect(threads()).toEqual([1, 4, 4])
  gpu.wake()
  expect(threads()).toEqual([1, 4, 4])
  await expect.poll(threads).toEqual([1, 4, 7])
})

test('a worker that crashes and is back soon keeps its cores, and nobody else gets them', async () => {
  const { embed, threads, owner } = await started(100)
  await expect.poll(threads).toEqual([1, 4, 7])
  const seen: number[][] = []
  embed.onEvent(() => seen.push(threads()))
  process.kill((await embed.ready()).pid!, 'SIGKILL')
  await expect.poll(() => embed.state).toBe('restarting')
  await embed.ready()
  owner.update()
  expect([...seen, threads()]).toEqual(Array.from({ length: seen.length + 1 }, () => [1, 4, 7]))
  expect(seen.length).toBeGreaterThanOrEqual(2)
})

test('what one gains waits while workers still come and go', async () => {
  const { gpu, threads, owner } = await started(60_000)
  await expect.poll(threads).toEqual([1, 1, 1])
  gpu.rest()
  owner.update()
  expect(threads()).toEqual([1, 1, 1])
})

test('threads over what the machine has are told once', async () => {
  const { over, owner, sharers } = await started(100)
  expect(over).toEqual([])
  const one = { ...sharers[2]!.placement, role: 'overflow' as const }
  const many = Array.from({ length: 10 }, (_, at) => ({
    worker: sharers[2]!.worker,
    placement: { ...one, device: `cpu${at}` },
  }))
  sharers.push(...many)
  owner.update()
  owner.update()
  expect(over).toEqual([4])
})
