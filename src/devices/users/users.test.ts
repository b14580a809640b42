import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Open, processUnder, writeUnder, xeInfo } from '../../../test/support/proc.ts'
import { portUsers } from './index.ts'
import { linuxPortUsers } from './linux.ts'
import { parsePortUsers } from './windows.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tandem-proc-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const write = (path: string, text: string) => writeUnder(root, path, text)
const processOf = (pid: number, parent: number, name: string, open: readonly Open[]) =>
  processUnder(root, pid, parent, name, open)

/** Port 11434 (2CAA) of a server, which also is connected to a client there, and 8080 (1F90) of another one over IPv6. */
function listening(): void {
  const head =
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n'
  const row = (at: number, local: string, state: string, inode: number) =>
    `   ${at}: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000  1000        0 ${inode} 1 0 100 0 0 10 0\n`
  write('proc/net/tcp', head + row(0, '0100007F:2CAA', '01', 4000) + row(1, '0100007F:2CAA', '0A', 5001))
  write('proc/net/tcp6', head + row(0, '00000000000000000000000000000000:1F90', '0A', 5002))
}

const I915 = (client: number, system: string) => `drm-driver:\ti915
drm-pdev:\t0000:00:02.0
drm-client-id:\t${client}
drm-total-system0:\t${system}
drm-resident-system0:\t${system}
drm-engine-compute:\t112233 ns
`
const NPU = `drm-driver:\tintel_vpu
drm-client-id:\t7
drm-pdev:\t0000:00:0b.0
`

describe('what the process behind a port has open, by the fdinfo of the kernel', () => {
  test.each([
    {
      name: 'a runner that the server started holds the model on xe; one client by several descriptors counts once',
      open: [
        { target: '/dev/dri/renderD129', info: xeInfo(3, '8912896 KiB') },
        { target: '/dev/dri/renderD129', info: xeInfo(3, '8912896 KiB') },
        { target: '/dev/dri/renderD128', info: I915(9, '1024 KiB') }, // listed only
      ],
      uses: [{ pid: 210, pciAddress: '0000:03:00.0', memoryBytes: 8912896 * 1024 }],
    },
    {
      name: 'two clients of one device are its memory together, and the device with more comes first',
      open: [
        { target: '/dev/dri/renderD128', info: I915(1, '64 MiB') },
        { target: '/dev/dri/renderD129', info: xeInfo(2, '100 MiB') },
        { target: '/dev/dri/renderD129', info: xeInfo(4, '28 MiB') },
      ],
      uses: [
        { pid: 210, pciAddress: '0000:03:00.0', memoryBytes: 128 * 1024 ** 2 },
        { pid: 210, pciAddress: '0000:00:02.0', memoryBytes: 64 * 1024 ** 2 },
      ],
    },
    {
      name: 'an NPU whose driver tells no memory',
      open: [{ target: '/dev/accel/accel0', info: NPU }],
      uses: [{ pid: 210, pciAddress: '0000:00:0b.0', memoryBytes: 0, untold: true }],
    },
    {
      name: "NVIDIA's driver, which has no fdinfo",
      open: [{ target: '/dev/nvidiactl' }, { target: '/dev/nvidia1' }],
      uses: [{ pid: 210, pciAddress: '0000:02:00.0', memoryBytes: 0, untold: true }],
    },
    { name: 'nothing but files', open: [{ target: '/dev/null' }, { target: '/models/a.gguf' }], uses: [] },
  ])('$name', async ({ open, uses }) => {
    listening()
    write('proc/driver/nvidia/gpus/0000:01:00.0/information', 'Model: \t NVIDIA A\nDevice Minor: \t 0\n')
    write('proc/driver/nvidia/gpus/0000:02:00.0/information', 'Model: \t NVIDIA B\nDevice Minor: \t 1\n')
    processOf(1, 0, 'init', [])
    processOf(100, 1, 'a browser', [
      { target: '/dev/dri/renderD129', info: xeInfo(99, '900 MiB') },
      { target: 'socket:[4000]' }, // a client of the server
    ])
    processOf(200, 1, 'ollama (serve) x', [{ target: 'socket:[5001]' }])
    processOf(210, 200, 'ollama runner', open)
    processOf(300, 1, 'other', [
      { target: 'socket:[5002]' },
      { target: '/dev/dri/renderD129', info: xeInfo(50, '1 GiB') },
    ])
    expect(await linuxPortUsers(root, 11434)).toEqual({ pid: 200, uses })
    expect(await linuxPortUsers(root, 8080)).toMatchObject({ pid: 300, uses: [{ memoryBytes: 1024 ** 3 }] })
  })

  test('nobody listens, or nobody is seen to', async () => {
    listening()
    expect(await linuxPortUsers(root, 11434)).toBeUndefined() // another user's: its descriptors cannot be read
    expect(await linuxPortUsers(root, 1234)).toBeUndefined()
    expect(await linuxPortUsers(join(root, 'nowhere'), 1234)).toBeUndefined()
  })
})

test.runIf(process.platform === 'linux')('a server of this machine is found by its port', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  const { signal } = new AbortController()
  expect(await portUsers(port, { signal, env: process.env })).toMatchObject({ pid: process.pid })
  server.close()
})

test("Windows' GPU Process Memory, of the process that listens and its children", () => {
  const memory = (pid: number, luid: string, dedicated: number, shared: number) => [
    `pid_${pid}_luid_0x00000000_${luid}_phys_0`,
    dedicated,
    shared,
  ]
  const printed = JSON.stringify({
    Owners: [4120],
    Processes: [
      [4120, 800],
      [5000, 4120],
      [5100, 5000],
      [6000, 800],
    ],
    Memory: [
      memory(5100, '0x000128A6', 9_000_000_000, 100_000_000),
      memory(5000, '0x00012FFF', 1_000_000, 0),
      memory(6000, '0x00012FFF', 3_000_000_000, 0),
    ],
  })
  expect(parsePortUsers(printed)).toEqual({
    pid: 4120,
    uses: [{ pid: 5100, luid: '0x00000000_0x000128a6', memoryBytes: 9_100_000_000 }],
  })
  expect(parsePortUsers('{"Owners":[],"Processes":[],"Memory":[]}')).toBeUndefined()
  expect(() => parsePortUsers('Invalid class')).toThrow()
})
