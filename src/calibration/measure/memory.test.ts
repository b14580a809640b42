import { expect, test } from 'vitest'
import { deviceBytesOf, readMemory, residentBytes, tasklistBytes } from './memory.ts'

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

const xe = (client: number, resident: string) =>
  `pos:\t0\ndrm-driver:\txe\ndrm-client-id:\t${client}\ndrm-pdev:\t0000:03:00.0\n` +
  `drm-total-vram0:\t99999 KiB\ndrm-resident-system:\t512 KiB\ndrm-resident-vram0:\t${resident}\n`

test('memory on devices: a client counts once, units as they come', () => {
  expect(deviceBytesOf([xe(3, '23992 KiB'), xe(3, '23992 KiB'), 'pos:\t0\nflags:\t02\n'])).toBe(23992 * 1024)
  expect(deviceBytesOf([xe(3, '4096'), xe(4, '2 MiB')])).toBe(4096 + 2 * 1024 ** 2)
  expect(deviceBytesOf([])).toBe(0)
})

test.each([
  ['"node.exe","1234","Console","1","45,678 K"\r\n', 45_678 * 1024],
  ['"node.exe","1234","Console","1","45.678 K"\r\n', 45_678 * 1024],
  ['"node.exe","1234","Console","1","45\u00a0678 K"\r\n', 45_678 * 1024],
  ['INFO: No tasks are running which match the specified criteria.\r\n', undefined],
])('tasklist in any language: %s', (csv, bytes) => {
  expect(tasklistBytes(csv)).toBe(bytes)
})
