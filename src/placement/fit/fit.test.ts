import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PUBLISHED } from '../../../test/support/published-models.ts'
import type { Device, EncoderShape, EngineDescriptor, Fit, Model, ModelShape } from '../../domain/index.ts'
import { ENGINES } from '../../engines/index.ts'
import { shapeOfSpec } from '../../models/index.ts'
import { hostShare } from '../memory.ts'
import { Draw } from '../testing/random-machine.ts'
import { decoderNeed } from './decoder-need.ts'
import { type FitRequest, fit as fitModel, stillFits } from './fit.ts'

const GIB = 1024 ** 3
const llamaCpp = ENGINES.find(({ id }) => id === 'llama.cpp')!
/** As a server that is started with options of its own can. */
const server: EngineDescriptor = { ...llamaCpp, id: 'openai', trades: ['kvType', 'cpuExperts', 'gpuLayers'] }

const DENSE = 'Qwen2.5-Coder-14B-Instruct'
const MIXTURE = 'Qwen3-Coder-30B-A3B-Instruct'

function shapeOf(model: string): ModelShape {
  const { spec, files } = PUBLISHED.find((row) => row.model === model)!
  return shapeOfSpec(spec, files[0]!.recipe)
}

const model: Model = {
  id: 'a-model',
  title: 'a model',
  revision: '1',
  license: 'MIT',
  tasks: ['chat'],
  parameters: 14_770_033_664,
  contextTokens: 32_768,
  files: { gguf: [{ path: 'a.gguf', sizeBytes: 9 * GIB, sha256: '' }] },
  folder: '/models/a',
  fingerprint: 'a',
}

const device = (kind: Device['kind'], gib: number): Device => ({
  id: kind,
  kind,
  name: kind,
  memoryBytes: gib * GIB,
  engines: {},
  simulated: true,
})

function chat(name: string, gib: number, more: Partial<FitRequest> = {}): Fit {
  return fitModel({
    task: 'chat',
    model,
    shape: shapeOf(name),
    engine: llamaCpp,
    device: device('dgpu', Math.ceil(gib)),
    freeBytes: gib * GIB,
    hostFreeBytes: 32 * GIB,
    ...more,
  })
}

function fitting(found: Fit): Extract<Fit, { fits: true }> {
  if (!found.fits) throw new Error(found.reason)
  return found
}

describe('a chat on a GPU', () => {
  test('nothing is given up where there is room', () => {
    const { load, traded, need } = fitting(chat(DENSE, 16))
    expect(load).toEqual({
      contextTokens: 16_384,
      slots: 1,
      kvType: 'f16',
      gpuLayers: 49,
      cpuExpertLayers: 0,
    })
    expect(traded).toEqual([])
    // 192 KiB a token, and what the published file has besides its token embeddings
    expect(need.kvBytes).toBe(16_384 * 192 * 1024)
    expect(need.weightBytes / GIB).toBeCloseTo(7.96, 1)
  })

  test('first the cache is quantized: a 14B model with 16k tokens on 12 GiB', () => {
    const { load, traded } = fitting(chat(DENSE, 11.4))
    expect(load).toMatchObject({ contextTokens: 16_384, kvType: 'q8_0', gpuLayers: 49 })
    expect(traded).toEqual(['KV cache in q8_0 instead of f16'])
  })

  test('then the window shrinks', () => {
    const { load, traded } = fitting(chat(DENSE, 9.3))
    expect(load).toMatchObject({ contextTokens: 6144, kvType: 'q8_0', gpuLayers: 49 })
    expect(traded[1]).toBe('context 6144 instead of 16384 tokens')
  })

  test('then layers go to the CPU, as many as must', () => {
    const found = fitting(chat(DENSE, 7))
    expect(found.load).toMatchObject({ contextTokens: 4096, cpuExpertLayers: 0 })
    expect(found.load!.gpuLayers).toBeGreaterThan(24)
    expect(found.load!.gpuLayers).toBeLessThan(49)
    expect(found.traded[2]).toMatch(/^\d+ of 49 layers on the device, the rest on the CPU$/)
    expect(found.need.hostBytes).toBeGreaterThan(2 * GIB)
  })

  test('with less than half of the layers there it does not fit, and the numbers say why', () => {
    expect(chat(DENSE, 3)).toEqual({
      fits: false,
      reason: expect.stringMatching(
        /^does not fit: needs 4\.\d GiB \(\d\.\d weights, 0\.\d KV cache for 4096 tokens, 0\.\d buffers\), 3\.0 GiB of 3\.0 are free$/,
      ),
    })
  })

  test('experts go to the system memory before layers, only with an engine that can', () => {
    const { load, traded } = fitting(chat(MIXTURE, 11.5, { engine: server }))
    expect(load).toMatchObject({ gpuLayers: 49, contextTokens: 4096 })
    expect(load!.cpuExpertLayers).toBeGreaterThan(0)
    expect(load!.cpuExpertLayers).toBeLessThan(48)
    expect(traded[2]).toBe(`experts of ${load!.cpuExpertLayers} of 48 layers in the system's memory`)
    expect(fitting(chat(MIXTURE, 11.5)).load).toMatchObject({ cpuExpertLayers: 0 })
  })

  test('a wanted window is kept while layers can go; smaller only as a last resort', () => {
    const kept = fitting(chat(DENSE, 9.3, { contextTokens: 32_768 }))
    expect(kept.load).toMatchObject({ contextTokens: 32_768, kvType: 'q8_0' })
    expect(kept.load!.gpuLayers).toBeLessThan(49)
    const reduced = fitting(chat(DENSE, 6, { contextTokens: 32_768 }))
    expect(reduced.load!.contextTokens).toBeLessThan(32_768)
    expect(reduced.traded).toContain(
      `context ${reduced.load!.contextTokens} instead of the wanted 32768 tokens`,
    )
  })

  test('a window is never larger than the model has', () => {
    expect(fitting(chat(DENSE, 40, { contextTokens: 1_000_000 })).load).toMatchObject({
      contextTokens: 32_768,
    })
    const small = { ...model, contextTokens: 2048 }
    expect(fitting(chat(DENSE, 40, { model: small })).load).toMatchObject({ contextTokens: 2048 })
  })

  test('an engine without trades opens it whole or not at all', () => {
    const { trades: _, ...rigid } = llamaCpp
    expect(chat(DENSE, 10, { engine: rigid }).fits).toBe(true) // a smaller window is every engine's
    expect(chat(DENSE, 7, { engine: rigid }).fits).toBe(false)
  })

  test('what the system must hold counts too', () => {
    expect(chat(DENSE, 7, { hostFreeBytes: 1 * GIB })).toMatchObject({
      fits: false,
      reason: expect.stringMatching(/ GiB of the system's memory .*1\.0 GiB are free$/),
    })
  })
})

test('an integrated GPU takes the memory of the system', () => {
  const igpu = { device: device('igpu', 16), freeBytes: 16 * GIB }
  expect(chat(DENSE, 16, { ...igpu, hostFreeBytes: 20 * GIB }).fits).toBe(true)
  expect(chat(DENSE, 16, { ...igpu, hostFreeBytes: 4 * GIB })).toMatchObject({
    fits: false,
    reason: expect.stringContaining('for the device'),
  })
})

test('the part of a device that shares memory is counted once', () => {
  const needOn = (kind: Device['kind']) =>
    fitting(chat(DENSE, 16, { device: device(kind, 16), hostFreeBytes: 64 * GIB })).need
  expect(needOn('igpu')).toEqual(needOn('dgpu'))
  const need = needOn('igpu')
  expect(hostShare(device('igpu', 16), need)).toBe(need.hostBytes + need.deviceBytes)
  expect(hostShare({ ...device('igpu', 16), sharedMemory: false }, need)).toBe(need.hostBytes)
  expect(need.hostBytes).toBeLessThan(2 * GIB) // token embeddings, masks and the process
})

test('on the CPU all is in the system memory, and no layer is moved', () => {
  const cpu = (gib: number) =>
    chat(DENSE, gib, { device: device('cpu', gib), hostFreeBytes: gib * GIB, slots: 2 })
  const { need, load } = fitting(cpu(32))
  expect(need.deviceBytes).toBe(need.hostBytes)
  expect(load).toMatchObject({ gpuLayers: 0, slots: 2, kvType: 'f16' })
  expect(need.kvBytes).toBe(2 * 16_384 * 192 * 1024)
  expect(cpu(8)).toMatchObject({
    fits: false,
    reason: expect.stringMatching(
      /KV cache for 2 chats of 4096 tokens.*process\), 8\.0 GiB of 8\.0 are free$/,
    ),
  })
})

test('a margin stays free, and the reason says so', () => {
  const { need } = fitting(chat(DENSE, 40, { contextTokens: 4096 }))
  const tight = chat(DENSE, 40, {
    contextTokens: 4096,
    freeBytes: need.deviceBytes + 1,
    engine: { ...llamaCpp, trades: [] },
  })
  expect(tight).toMatchObject({ fits: false, reason: expect.stringMatching(/of which 1\.2 must stay free$/) })
})

const encoder: EncoderShape = {
  kind: 'encoder',
  parameters: 33e6,
  weightBytes: 33e6,
  layers: 12,
  hidden: 384,
  feedForward: 1536,
  heads: 12,
  weightBits: 8,
}

test('an encoder takes its weights as often as the engine keeps them, and the process', () => {
  const engine: EngineDescriptor = {
    ...ENGINES.find(({ id }) => id === 'openvino')!,
    footprint: { processBytes: 100e6, weightCopies: 3, activationCopies: 1 },
  }
  const on = (kind: Device['kind'], free: number) =>
    fitModel({
      task: 'embed',
      model: { ...model, contextTokens: 512 },
      shape: encoder,
      engine,
      device: device(kind, 8),
      freeBytes: free,
      hostFreeBytes: 4 * GIB,
    })
  const npu = fitting(on('npu', 2 * GIB)).need
  expect(npu.weightBytes).toBe(99e6)
  expect(npu.hostBytes).toBe(100e6)
  expect(fitting(on('cpu', 2 * GIB)).need.hostBytes).toBe(npu.deviceBytes + 100e6)
  expect(on('npu', 0.1 * GIB)).toMatchObject({
    fits: false,
    reason: expect.stringMatching(
      /^does not fit: needs 0\.1 GiB \(0\.1 weights, 0\.0 buffers\), 0\.1 GiB of 8\.0/,
    ),
  })
})

test('a model of which only the file is known needs a little more than the file', () => {
  const unread = { freeBytes: 12 * GIB, hostFreeBytes: 32 * GIB }
  const { shape: _, ...request } = {
    task: 'chat' as const,
    model,
    engine: llamaCpp,
    device: device('dgpu', 12),
    ...unread,
    shape: undefined,
  }
  const found = fitting(fitModel(request))
  expect(found.need.weightBytes / GIB).toBeCloseTo(9.9)
  expect(found.load).toBeUndefined()
  expect(fitModel({ ...request, freeBytes: 9 * GIB }).fits).toBe(false)
})

describe('whatever the machine', () => {
  const decoders = PUBLISHED.filter((row) => row.kvNumbersPerToken !== null).map((row) => row.model)
  const machines = fc.record({
    name: fc.constantFrom(...decoders),
    kind: fc.constantFrom<Device['kind']>('dgpu', 'igpu', 'cpu'),
    free: fc.double({ min: 0.1, max: 48, noNaN: true }),
    host: fc.double({ min: 0.1, max: 64, noNaN: true }),
    slots: fc.integer({ min: 1, max: 8 }),
    wanted: fc.option(fc.integer({ min: 512, max: 200_000 }), { nil: undefined }),
    engine: fc.constantFrom(llamaCpp, server),
  })
  const on = ({ name, kind, free, host, slots, wanted, engine }: ReturnType<typeof sample>, gained = 0) =>
    chat(name, free + gained, {
      device: device(kind, 48),
      freeBytes: (free + gained) * GIB,
      hostFreeBytes: (host + gained) * GIB,
      slots,
      engine,
      ...(wanted === undefined ? {} : { contextTokens: wanted }),
    })
  const sample = () => fc.sample(machines, 1)[0]!

  test('what fits is within what is free, and nothing is more than was wished', () => {
    fc.assert(
      fc.property(machines, (machine) => {
        const found = on(machine)
        if (!found.fits) return void expect(found.reason).toMatch(/^does not fit: needs \d/)
        const { need, load, traded } = found
        expect(need.hostBytes).toBeLessThan(machine.host * GIB)
        if (machine.kind !== 'cpu') expect(need.deviceBytes).toBeLessThan(machine.free * GIB)
        if (machine.kind === 'igpu')
          expect(need.deviceBytes + need.hostBytes).toBeLessThan(machine.host * GIB)
        expect(load!.contextTokens).toBeLessThanOrEqual(machine.wanted ?? 16_384)
        expect(load!.slots).toBe(machine.slots)
        if (traded.length === 0) expect(load).toMatchObject({ kvType: 'f16', cpuExpertLayers: 0 })
      }),
      { numRuns: 300 },
    )
  })

  test('more memory never makes it worse', () => {
    fc.assert(
      fc.property(machines, fc.double({ min: 0, max: 16, noNaN: true }), (machine, gained) => {
        const before = on(machine)
        const after = on(machine, gained)
        if (!before.fits) return
        expect(after.fits).toBe(true)
        expect(fitting(after).traded.length).toBeLessThanOrEqual(before.traded.length)
      }),
      { numRuns: 300 },
    )
  })
})

test('what still fits with less memory is what would be found anew', () => {
  const decoders = PUBLISHED.filter((row) => row.kvNumbersPerToken !== null).map((row) => row.model)
  const draw = new Draw(7)
  const counts = { kept: 0, lost: 0 }
  for (let round = 0; round < 300; round++) {
    const name = draw.pick(decoders)
    const kind = draw.pick<Device['kind']>(['dgpu', 'igpu', 'cpu'])
    const [gib, host, gone] = [draw.scale(6, 48), draw.scale(6, 48), draw.scale(0.05, 6)]
    const at = (taken: number) => ({
      device: device(kind, 48),
      freeBytes: (gib - taken) * GIB,
      hostFreeBytes: (host - taken) * GIB,
      engine: server,
    })
    const found = chat(name, gib, at(0))
    if (!found.fits) continue
    const holds = stillFits(at(gone), found.need)
    expect(isDeepStrictEqual(chat(name, gib, at(gone)), found)).toBe(holds)
    counts[holds ? 'kept' : 'lost'] += 1
  }
  expect(Math.min(counts.kept, counts.lost)).toBeGreaterThan(30)
})

test('the fewest layers go: one more would not have fitted', () => {
  const found = fitting(chat(DENSE, 7))
  const shape = shapeOf(DENSE)
  if (shape.kind !== 'decoder') throw new Error('an encoder')
  const engine = { processBytes: 0, batchTokens: llamaCpp.footprint!.batchTokens!.gpu }
  const margin = Math.max(0.03 * 7, 192 / 1024) * GIB
  const with1More = { ...found.load!, gpuLayers: found.load!.gpuLayers + 1 }
  expect(decoderNeed(shape, with1More, engine, false).deviceBytes).toBeGreaterThan(7 * GIB - margin)
})
