import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { processUnder, xeInfo } from '../../../test/support/proc.ts'
import { localBytesOf, openDevices } from './fdinfo.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tandem-fdinfo-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const node = (info: string) => ({ target: '/dev/dri/renderD129', info })
const MIB = 1024 ** 2

test('memory on devices: a client counts once, also in the child that inherited it; units as they come', async () => {
  processUnder(root, 10, 1, 'a', [
    node(xeInfo(3, '23992 KiB')),
    node(xeInfo(3, '23992 KiB')),
    { target: '/tmp/x' },
  ])
  processUnder(root, 11, 10, 'b', [
    node(xeInfo(3, '23992 KiB')),
    node(xeInfo(4, '4096')),
    node(xeInfo(5, '2 MiB')),
  ])
  expect(await localBytesOf([10], root)).toBe(23992 * 1024)
  expect(await localBytesOf([10, 11], root)).toBe(23992 * 1024 + 4096 + 2 * MIB)
  expect(await localBytesOf([12], root)).toBe(0)
})

test("what lies in the system's memory is not the device's own; an older kernel says `memory`", async () => {
  const client = (id: number, lines: string) => `drm-pdev:\t0000:00:02.0\ndrm-client-id:\t${id}\n${lines}`
  processUnder(root, 10, 1, 'a', [
    node(client(1, 'drm-total-local0:\t9 MiB\ndrm-resident-local0:\t5 MiB\ndrm-resident-system0:\t1 MiB\n')),
    node(client(2, 'drm-memory-vram:\t3 MiB\ndrm-memory-gtt:\t2 MiB\n')),
    node(client(3, 'drm-engine-render:\t1 ns\n')),
  ])
  expect(await openDevices(root, ['10'])).toEqual([
    { pid: 10, pciAddress: '0000:00:02.0', memoryBytes: 6 * MIB, localBytes: 5 * MIB },
    { pid: 10, pciAddress: '0000:00:02.0', memoryBytes: 5 * MIB, localBytes: 3 * MIB },
    { pid: 10, pciAddress: '0000:00:02.0', memoryBytes: 0, localBytes: 0, untold: true },
  ])
})
