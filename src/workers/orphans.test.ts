import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { fakeWorker } from '../../test/fakes/fault-worker.ts'
import { isRunning } from '../../test/processes.ts'

const PARENT = fileURLToPath(new URL('../../test/fakes/parent.js', import.meta.url))

function startParent(mode: string): ChildProcess {
  return spawn(process.execPath, [PARENT, mode, JSON.stringify(fakeWorker('embed'))], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true, // a group of its own, as a terminal gives it
  })
}

async function nextLine(parent: ChildProcess): Promise<string> {
  const [chunk] = await once(parent.stdout as NodeJS.ReadableStream, 'data')
  return String(chunk).trim()
}

describe.skipIf(process.platform === 'win32')('the worker and its parent', () => {
  test.each(['busy', 'idle'])('a parent killed by SIGKILL leaves no %s worker', async (mode) => {
    const parent = startParent(mode)
    const pid = Number(await nextLine(parent))
    expect(isRunning(pid)).toBe(true)
    parent.kill('SIGKILL')
    await expect.poll(() => isRunning(pid)).toBe(false)
  })

  test("Ctrl-C in the parent's terminal does not reach the worker", async () => {
    const parent = startParent('sigint')
    const pid = Number(await nextLine(parent))
    process.kill(-(parent.pid as number), 'SIGINT') // to the whole group, as a terminal does
    expect(await nextLine(parent)).toBe('alive')
    await once(parent, 'exit')
    expect(isRunning(pid)).toBe(false)
  })
})
