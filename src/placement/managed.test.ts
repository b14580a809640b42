/** A llama-server that Tandem would start itself, on devices of this machine. */
import { expect, test } from 'vitest'
import type { DecoderShape, Device, EngineDescriptor, Measurement, Model } from '../domain/index.ts'
import type { PlannedModel, PlannerInput } from './input.ts'
import { engineDevice } from './pin.ts'
import { makePlan } from './planner.ts'
import { policyNamed } from './policies/index.ts'
import { ENGINES } from './testing/random-machine.ts'

const GIB = 2 ** 30
const adopted: EngineDescriptor = {
  id: 'openai',
  title: 'another server',
  tasks: ['chat', 'embed', 'rerank'],
  devices: ['npu', 'dgpu', 'igpu', 'cpu'],
  formats: ['remote'],
  needs: 'a server that runs already',
}
const managed: EngineDescriptor = {
  id: 'openai',
  title: 'llama-server',
  tasks: ['chat'],
  devices: ['dgpu', 'igpu', 'cpu'],
  virtualDevices: [{ prefix: 'LAYER', chooses: false, splits: true }],
  formats: ['gguf'],
  needs: 'a llama-server',
  trades: ['kvType', 'gpuLayers', 'cpuExperts'],
  footprint: { processBytes: GIB / 4, batchTokens: { cpu: 512, gpu: 512 } },
}
const device = (id: string, more: Partial<Device>): Device => ({
  id,
  kind: 'dgpu',
  name: id.toUpperCase(),
  simulated: false,
  engines: {},
  ...more,
})
const cpu = device('cpu', {
  kind: 'cpu',
  memoryBytes: 32 * GIB,
  cores: 8,
  engines: { 'llama.cpp': 'cpu', onnxruntime: 'cpu', openai: 'cpu' },
})
const card = device('gpu1', { memoryBytes: 12 * GIB, engines: { 'llama.cpp': 'Vulkan0', openai: 'SYCL0' } })
const onChip = device('gpu0', {
  kind: 'igpu',
  memoryBytes: 16 * GIB,
  sharedMemory: true,
  engines: { 'llama.cpp': 'Vulkan1', openai: 'SYCL1' },
})
const model = (layers: number, layerGib: number): PlannedModel => {
  const sizeBytes = layers * layerGib * GIB
  const entry: Model = {
    id: 'chat',
    title: 'chat',
    revision: '1',
    license: '',
    tasks: ['chat'],
    parameters: sizeBytes * 2,
    contextTokens: 8192,
    files: { gguf: [{ path: 'f', sizeBytes, sha256: '' }] },
    folder: '/',
    fingerprint: 'chat',
  }
  const shape: DecoderShape = {
    kind: 'decoder',
    architecture: 'llama',
    parameters: entry.parameters,
    contextTokens: 8192,
    hidden: 4096,
    feedForward: 11_008,
    vocabulary: 32_000,
    heads: 32,
    layerBytes: Array.from({ length: layers }, () => layerGib * GIB),
    expertBytes: Array.from({ length: layers }, () => 0),
    inputBytes: GIB / 16,
    outputBytes: GIB / 16,
    tiedBytes: 0,
    kvPerToken: Array.from({ length: layers }, () => ({ keys: 1024, values: 1024 })),
  }
  return { task: 'chat', model: entry, shape, contextTokens: 4096, slots: 1 }
}
const small = model(8, 0.25)
const input: PlannerInput = {
  policy: policyNamed('development'),
  devices: [cpu],
  engines: [...ENGINES, adopted, managed],
  models: [small],
}
const chats = (more: Partial<PlannerInput> = {}) => makePlan({ ...input, ...more })
const where = (more: Partial<PlannerInput> = {}) =>
  chats(more).tasks.chat?.map(({ engine, device: id, role }) => `${engine}@${id} ${role}`)
const ran = (engine: Measurement['engine'], speed: number, on = 'cpu'): Measurement => ({
  task: 'chat',
  model: 'chat',
  engine,
  device: on,
  from: 'measured',
  decoder: { promptTokensPerSecond: 100, decodeTokensPerSecond: speed },
})

test('nothing is said of it where there is none', () => {
  const { openai: _, ...engines } = cpu.engines
  expect(
    chats({ devices: [{ ...cpu, engines }] }).rejected.filter(({ engine }) => engine === 'openai'),
  ).toEqual([])
})

test('the embedded engine is first until it is measured to be slower', () => {
  const of = (measurements: readonly Measurement[]) => where({ measurements })?.[0]
  expect(of([])).toBe('llama.cpp@cpu primary')
  expect(of([ran('llama.cpp', 20)])).toBe('llama.cpp@cpu primary')
  expect(of([ran('llama.cpp', 20), ran('openai', 30)])).toBe('openai@cpu primary')
  expect(of([ran('llama.cpp', 30), ran('openai', 20)])).toBe('llama.cpp@cpu primary')
  const { rejected } = chats({ measurements: [ran('llama.cpp', 20), ran('openai', 30)] })
  expect(rejected.find(({ engine }) => engine === 'llama.cpp')?.reason).toMatch(/slower: 20.*openai 30/)
})

test('a pin asks for it; the embedded engine stands behind it', () => {
  const pins = { chat: { engine: 'openai', device: 'cpu' } } as const
  expect(where({ pins })).toEqual(['openai@cpu primary', 'llama.cpp@cpu fallback'])
  expect(chats({ pins }).tasks.chat?.[0]?.reasons.join('; ')).toContain(
    "llama-server reads the model's gguf files",
  )
  const { openai: _, ...engines } = cpu.engines
  const { unmet } = chats({ pins, devices: [{ ...cpu, engines }], problems: { openai: 'no version' } })
  expect(unmet?.[0]?.reason).toContain(
    'llama-server knows no device here (no version); it needs a llama-server',
  )
})

test('an adopted server is no place of it, and its own devices are none of adopted servers', () => {
  const server: Device = device('server:peer', {
    kind: 'cpu',
    engines: { openai: 'peer' },
    server: {
      name: 'peer',
      kind: 'llama-server',
      url: 'http://127.0.0.1:8080',
      local: true,
      models: [{ task: 'chat', model: 'chat', as: 'c' }],
    },
  })
  const devices = [cpu, server]
  const plan = chats({ devices })
  expect(plan.tasks.chat?.map(({ engine, device: id }) => `${engine}@${id}`)).toEqual([
    'openai@server:peer',
    'llama.cpp@cpu',
  ])
  expect(plan.tasks.chat?.[0]?.memory?.hostBytes).toBe(0)
  const pinned = (name: string) => where({ devices, pins: { chat: { engine: 'openai', device: name } } })?.[0]
  expect(pinned('peer')).toBe('openai@peer primary')
  expect(pinned('cpu')).toBe('openai@cpu primary')
})

test('a model that no device has room for is shared by two, each with its part', () => {
  const large = { models: [model(40, 0.4)], devices: [card, onChip, cpu] }
  const alone = chats({ ...large, pins: { chat: { engine: 'openai', device: 'gpu1' } } })
  expect(alone.tasks.chat?.[0]?.load?.gpuLayers).toBeLessThan(41)
  const pins = { chat: { engine: 'openai', device: 'LAYER:gpu1(3),gpu0(2)' } } as const
  const [first] = chats({ ...large, pins }).tasks.chat ?? []
  expect(first).toMatchObject({
    engine: 'openai',
    device: 'LAYER:gpu1(3),gpu0(2)',
    load: { gpuLayers: 41 },
    shares: [
      { device: 'gpu1', part: 0.6 },
      { device: 'gpu0', part: 0.4 },
    ],
  })
  expect(engineDevice(first!, large.devices)).toBe('LAYER:SYCL0(3),SYCL1(2)')
  expect(first?.reasons.join('; ')).toMatch(
    /takes 10\.\d GiB of 12\.0 GiB on gpu1; takes [67]\.\d GiB of 16\.0 GiB on gpu0/,
  )
})

test.each([
  ['LAYER:gpu1,cpu', 'LAYER:gpu1,cpu: the CPU takes no share'],
  ['LAYER:gpu1(3),SYCL0', 'LAYER:gpu1(3),SYCL0: gpu1 is named twice'],
  ['LAYER:gpu1,gpu7', 'llama-server has no device gpu7 here; it has SYCL1, SYCL0'],
  ['LAYER', 'LAYER must list its devices'],
])('%s cannot be', (device, why) => {
  const { unmet } = chats({ devices: [card, onChip, cpu], pins: { chat: { engine: 'openai', device } } })
  expect(unmet?.[0]?.reason).toContain(why)
})

test('the one that is full first decides, and what is left of each is for others', () => {
  const skewed = { chat: { engine: 'openai', device: 'LAYER:gpu1(9),gpu0(1)' } } as const
  const large = { models: [model(40, 0.4)], devices: [card, onChip, cpu] }
  expect(chats({ ...large, pins: skewed }).tasks.chat?.[0]?.load?.gpuLayers).toBeLessThan(41)
  const byMemory = { chat: { engine: 'openai', device: 'LAYER:gpu1,gpu0' } } as const
  expect(chats({ ...large, pins: byMemory }).tasks.chat?.[0]?.shares?.[0]?.part).toBeCloseTo(12 / 28)
})

test('a draft counts with a cache of its own where a llama-server opens it, and the reason says so', () => {
  const pins = { chat: { engine: 'openai', device: 'gpu1' } } as const
  const { shape, ...bare } = model(4, 0.25)
  const draft = shape as DecoderShape
  const chatsWith = (more: Partial<PlannedModel>, devices = [card, cpu]) =>
    chats({ models: [{ ...small, slots: 2, ...more }], pins, devices })
  const [plain] = chatsWith({}).tasks.chat!
  const [drafted, behind] = chatsWith({ draft }).tasks.chat!
  const { contextTokens } = drafted!.load!
  const alone = { models: [{ ...bare, shape: draft, slots: 2, contextTokens }], pins, devices: [card, cpu] }
  const [ownPlace] = chats(alone).tasks.chat!
  const taken = drafted!.memory!.deviceBytes - plain!.memory!.deviceBytes
  expect(taken).toBeCloseTo(ownPlace!.memory!.deviceBytes, -3)
  expect(ownPlace!.memory!.kvBytes).toBeGreaterThan(0.01 * GIB)
  expect(drafted!.memory!.draftBytes).toBe(taken)
  expect(drafted!.reasons).toContainEqual(
    expect.stringMatching(/^of that 1\.\d GiB for its draft model with its cache \(an estimate\)$/),
  )
  // the embedded llama.cpp drafts nothing
  expect(behind).toMatchObject({ engine: 'llama.cpp', memory: chatsWith({}).tasks.chat![1]!.memory })
  const tight = { ...card, memoryBytes: 3 * GIB }
  expect(chatsWith({ draft: model(16, 0.5).shape as DecoderShape }, [tight, cpu]).unmet?.[0]?.reason).toMatch(
    /8\.\d draft model/,
  )
  const onCpu = { chat: { engine: 'openai', device: 'cpu' } } as const
  const host = (more: Partial<PlannedModel>) =>
    chats({ models: [{ ...small, slots: 2, ...more }], pins: onCpu }).tasks.chat![0]!.memory!.hostBytes
  expect(host({ draft }) - host({})).toBeGreaterThan(GIB)
})

test('a projector of images counts with its context where a llama-server opens it, and the reason says so', () => {
  const [gib, pins] = [0.75, { chat: { engine: 'openai', device: 'gpu1' } }] as const
  const first = (projectorBytes?: number) => {
    const models = [{ ...small, ...(projectorBytes === undefined ? {} : { projectorBytes }) }]
    return chats({ models, pins, devices: [card, cpu] }).tasks.chat!
  }
  const [plain, pictured] = [first(), first(gib * GIB)]
  const taken = ([own]: typeof plain) => own!.memory!.deviceBytes
  expect(taken(pictured) - taken(plain)).toBeCloseTo(1.25 * gib * GIB, -3)
  expect(pictured[0]!.reasons).toContain('of that 0.9 GiB for its projector of images (an estimate)')
  // the embedded llama.cpp behind it reads no pictures
  expect(pictured[1]).toMatchObject({ engine: 'llama.cpp', memory: plain[1]!.memory })
  const onCpu = {
    pins: { chat: { engine: 'openai', device: 'cpu' } },
    models: [{ ...small, projectorBytes: GIB }],
  } as const
  const [cpuFirst] = chats(onCpu).tasks.chat!
  expect(cpuFirst!.memory!.hostBytes).toBeGreaterThan(taken(plain) + 1.2 * GIB)
  const tight = { ...card, memoryBytes: 3 * GIB }
  const full = { ...small, projectorBytes: 8 * GIB }
  expect(chats({ models: [full], pins, devices: [tight, cpu] }).unmet?.[0]?.reason).toContain(
    '10.0 projector of images',
  )
})
