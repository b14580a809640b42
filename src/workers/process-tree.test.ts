import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { childrenCpuMs, processTree } from './process-tree.ts'

test.runIf(process.platform === 'linux')('those that were started, and what they compute', async () => {
  const shell = spawn('sh', ['-c', 'sh -c "while :; do :; done" & wait'], { stdio: 'ignore', detached: true })
  try {
    await expect.poll(async () => (await processTree(shell.pid!)).length).toBe(2)
    expect((await processTree(shell.pid!))[0]).toBe(shell.pid)
    await expect.poll(() => childrenCpuMs(shell.pid!)).toBeGreaterThan(50)
    expect(await processTree(process.pid)).toEqual(expect.arrayContaining(await processTree(shell.pid!)))
  } finally {
    process.kill(-shell.pid!, 'SIGKILL')
    await once(shell, 'exit')
  }
})

test('a process that is gone has started nothing', async () => {
  expect(await processTree(2 ** 22 + 1)).toEqual([2 ** 22 + 1])
  expect(await childrenCpuMs(2 ** 22 + 1)).toBe(0)
})
