import { expect, test } from 'vitest'
import type { Device, DeviceKind, Model } from '../domain/index.ts'
import type { FoundServer } from '../engines/index.ts'
import { type AdoptInput, adopt } from './adopted.ts'

const device = (id: string, kind: DeviceKind, more: Partial<Device> = {}): Device => ({
  id,
  kind,
  name: id,
  engines: {},
  simulated: false,
  ...more,
})
const here = [
  device('cpu', 'cpu'),
  device('gpu0', 'igpu', { pciAddress: '0000:00:02.0' }),
  device('gpu1', 'dgpu', { pciAddress: '0000:03:00.0', luid: '0x0_0x1' }),
]
const server: FoundServer = {
  name: 'peer',
  kind: 'lmstudio',
  url: 'http://127.0.0.1:1234',
  local: true,
  answered: true,
  models: [{ name: 'a', tasks: ['chat'], loaded: true }],
}
const uses = (...list: { pciAddress?: string; luid?: string; memoryBytes: number; untold?: boolean }[]) => ({
  pid: 42,
  uses: list.map((each) => ({ pid: 43, ...each })),
})

async function adopted(found: FoundServer, more: Partial<AdoptInput> = {}) {
  const input = { catalogue: [], here, home: '/home', usersOf: async () => undefined, ...more }
  const { devices, models } = await adopt([found], input)
  return { device: devices[0]!, models }
}

test.each([
  [
    'the system tells on which GPU its model lies',
    server,
    uses({ pciAddress: '0000:00:02.0', memoryBytes: 2 ** 30 }),
    'igpu',
    'inferred: its process 42 holds 1.0 GiB on gpu0',
  ],
  [
    'Windows tells it by the LUID',
    server,
    uses({ luid: '0x0_0x1', memoryBytes: 2 ** 31 }),
    'dgpu',
    'inferred: its process 42 holds 2.0 GiB on gpu1',
  ],
  [
    'a driver tells only that it is open',
    server,
    uses({ pciAddress: '0000:03:00.0', memoryBytes: 0, untold: true }),
    'dgpu',
    'inferred: its process 42 has gpu1 open',
  ],
  [
    'nothing is open though a model is loaded',
    server,
    uses(),
    'cpu',
    'inferred: its process 42 has no GPU or NPU open',
  ],
  [
    'nothing is open before a model is loaded',
    { ...server, models: [{ name: 'a', tasks: ['chat'] as const, loaded: false }] },
    uses(),
    'dgpu',
    'inferred: servers use the GPU',
  ],
  ['nobody tells', server, undefined, 'dgpu', 'inferred: servers use the GPU'],
  [
    'the server says it itself',
    { ...server, device: { kind: 'npu' as const, told: true, why: 'so it is' } },
    uses({ pciAddress: '0000:03:00.0', memoryBytes: 2 ** 30 }),
    'npu',
    'as it says: so it is',
  ],
  [
    'what it most likely is gives way to what is seen',
    { ...server, device: { kind: 'dgpu' as const, told: false, why: 'as a rule' } },
    uses({ pciAddress: '0000:00:02.0', memoryBytes: 2 ** 30 }),
    'igpu',
    'on gpu0',
  ],
] as const)('%s', async (_, found, users, kind, why) => {
  const seen = await adopted(found, { usersOf: async () => users })
  expect(seen.device.kind).toBe(kind)
  expect(seen.device.name).toContain(why)
})

test('a server elsewhere is not looked for on this machine', async () => {
  const usersOf = () => Promise.reject(new Error('asked'))
  const { device } = await adopted({ ...server, local: false, url: 'https://ai.example' }, { usersOf })
  expect(device.name).toContain('inferred: servers elsewhere')
})

test('a model with the name of ours stands in for it once it is loaded, and is asked by its own name always', async () => {
  const ours = { id: 'bge', tasks: ['embed'], files: {}, folder: '/', contextTokens: 512 } as unknown as Model
  const bge = (loaded: boolean) => ({ name: 'bge:latest', tasks: ['embed'] as const, loaded })
  const names = async (found: FoundServer) =>
    (await adopted(found, { catalogue: [ours] })).device.server?.models.map(({ model }) => model)
  expect(await names({ ...server, models: [bge(false)] })).toEqual(['bge:latest'])
  expect(await names({ ...server, models: [bge(true)] })).toEqual(['bge', 'bge:latest'])
  expect(await names({ ...server, models: [bge(false)], manage: true })).toEqual(['bge', 'bge:latest'])
})

test.each([
  ['GPU.1', 'gpu1'],
  ['GPU', 'gpu0'],
  ['CPU', 'cpu'],
  ['NPU', undefined],
  ['GPU.7', undefined],
])('one that Tandem starts on %s takes memory of %s', async (on, device) => {
  const named = [
    here[0]!,
    { ...here[1]!, engines: { openvino: 'GPU.0' } },
    { ...here[2]!, engines: { openvino: 'GPU.1' } },
  ]
  const found = { ...server, launch: {}, on, weightBytes: 7, cacheBytes: 3 }
  const { server: started } = (await adopted(found, { here: named })).device
  expect(started?.holds).toEqual(device && { device, weightBytes: 7, cacheBytes: 3 })
  expect(started).not.toHaveProperty('weightBytes')
  expect(started).not.toHaveProperty('cacheBytes')
})
