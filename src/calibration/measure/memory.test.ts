import { expect, test } from 'vitest'
import { readMemory, residentBytes, tasklistBytes } from './memory.ts'

test.runIf(process.platform === 'linux')('memory of this process', async () => {
  expect((await readMemory(process.pid)).hostBytes).toBeGreaterThan(10_000_000)
})

test('a process that is gone has no figures', async () => {
  expect(await readMemory(2 ** 22 + 1)).toEqual({})
})

test('VmRSS', () => {
  expect(residentBytes('Name:\tnode\nVmHWM:\t  9 kB\nVmRSS:\t   200 kB\n')).toBe(204_800)
  expect(residentBytes('')).toBeUndefined()
})

test.each([
  ['"node.exe","1234","Console","1","45,678 K"\r\n', 45_678 * 1024],
  ['"node.exe","1234","Console","1","45.678 K"\r\n', 45_678 * 1024],
  ['"node.exe","1234","Console","1","45\u00a0678 K"\r\n', 45_678 * 1024],
  ['INFO: No tasks are running which match the specified criteria.\r\n', undefined],
])('tasklist in any language: %s', (csv, bytes) => {
  expect(tasklistBytes(csv)).toBe(bytes)
})
