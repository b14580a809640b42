import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Device, EngineDevice, EngineId } from '../domain/index.ts'
import { mergeDevices } from './merge.ts'
import type { EngineProblems } from './missing.ts'
import type { SystemDevice } from './system.ts'

const CPU: Device = { id: 'cpu', kind: 'cpu', name: 'A CPU', engines: {}, simulated: false, cores: 8 }

const NPU: SystemDevice = {
  family: 'npu',
  title: 'NPU of Arrow Lake (3720)',
  vendor: 'intel',
  pciId: 'ad1d',
  pciAddress: '0000:00:0b.0',
  driver: 'intel_vpu 6.14.0',
}
const IGPU: SystemDevice = {
  family: 'gpu',
  title: 'GPU of Arrow Lake-S',
  vendor: 'intel',
  pciId: '7d67',
  pciAddress: '0000:00:02.0',
  driver: 'i915 6.14.0',
}
const B580: SystemDevice = {
  family: 'gpu',
  title: 'Arc B580',
  vendor: 'intel',
  pciId: 'e20b',
  pciAddress: '0000:03:00.0',
  driver: 'xe 6.14.0',
}

function seen(
  engine: EngineId,
  name: string,
  kind: EngineDevice['kind'],
  more: Partial<EngineDevice> = {},
): EngineDevice {
  return { engine, name, kind, title: `Some ${name}`, ...more }
}

/** What OpenVINO and Vulkan see of the reference PC, each in an order of its own. */
const REFERENCE: readonly EngineDevice[] = [
  seen('llama.cpp', 'Vulkan0', 'dgpu', {
    pciAddress: '0000:03:00.0',
    driver: 'Mesa 25',
    memoryBytes: 12.5e9,
    freeBytes: 11e9,
  }),
  seen('llama.cpp', 'Vulkan1', 'igpu', { pciAddress: '0000:00:02.0' }),
  seen('llama.cpp', 'cpu', 'cpu'),
  seen('openvino', 'CPU', 'cpu'),
  seen('openvino', 'GPU.0', 'igpu', { pciAddress: '0000:00:02.0' }),
  seen('openvino', 'GPU.1', 'dgpu', { pciAddress: '0000:03:00.0', title: 'Intel(R) Arc(TM) B580 Graphics' }),
  seen('openvino', 'NPU', 'npu', { architecture: '3720' }),
]
const names = (devices: readonly Device[]) => devices.map(({ id, kind, engines }) => [id, kind, engines])

test('the reference PC: each device once, whatever number an engine gives it', () => {
  const devices = mergeDevices({ cpu: CPU, system: [IGPU, NPU, B580], found: REFERENCE })
  expect(names(devices)).toEqual([
    ['npu0', 'npu', { openvino: 'NPU' }],
    ['gpu1', 'dgpu', { 'llama.cpp': 'Vulkan0', openvino: 'GPU.1' }],
    ['gpu0', 'igpu', { 'llama.cpp': 'Vulkan1', openvino: 'GPU.0' }],
    ['cpu', 'cpu', { 'llama.cpp': 'cpu', openvino: 'CPU' }],
  ])
  expect(devices[0]).toMatchObject({ pciAddress: '0000:00:0b.0', architecture: '3720', sharedMemory: true })
  expect(devices[1]).toEqual({
    id: 'gpu1',
    kind: 'dgpu',
    name: 'Intel(R) Arc(TM) B580 Graphics',
    engines: { 'llama.cpp': 'Vulkan0', openvino: 'GPU.1' },
    simulated: false,
    memoryBytes: 12.5e9,
    freeBytes: 11e9,
    vendor: 'intel',
    pciAddress: '0000:03:00.0',
    driver: 'xe 6.14.0, Mesa 25',
  })
})

test('two cards of one model are told apart by their addresses, in whatever order they are counted', () => {
  const [a, b] = ['0000:03:00.0', '0000:04:00.0']
  const card = (engine: EngineId, name: string, pciAddress: string) =>
    seen(engine, name, 'dgpu', { title: `B60 as ${engine} calls it`, pciAddress })
  const found = [
    card('llama.cpp', 'Vulkan0', b),
    card('llama.cpp', 'Vulkan1', a),
    card('openvino', 'GPU.0', a),
    card('openvino', 'GPU.1', b),
  ]
  const system = [
    { ...B580, pciAddress: b },
    { ...B580, pciAddress: a },
  ]
  expect(names(mergeDevices({ cpu: CPU, system, found })).slice(0, -1)).toEqual([
    ['gpu0', 'dgpu', { 'llama.cpp': 'Vulkan1', openvino: 'GPU.0' }],
    ['gpu1', 'dgpu', { 'llama.cpp': 'Vulkan0', openvino: 'GPU.1' }],
  ])
})

test('the order in which sources tell does not change ids where all have an address', () => {
  const found = REFERENCE.toReversed()
  const ids = (list: readonly Device[]) => list.map(({ id, pciAddress }) => `${id} ${pciAddress}`).sort()
  expect(ids(mergeDevices({ cpu: CPU, system: [B580, NPU, IGPU], found }))).toEqual(
    ids(mergeDevices({ cpu: CPU, system: [IGPU, NPU, B580], found: REFERENCE })),
  )
})

describe('without addresses', () => {
  const windows = (device: SystemDevice): SystemDevice => {
    const { pciAddress: _, ...rest } = device
    return rest
  }

  test('by LUID', () => {
    const [a, b] = ['0x00000000_0x000128a6', '0x00000000_0x00012fff']
    const found = [
      seen('llama.cpp', 'Vulkan0', 'dgpu', { luid: a }),
      seen('llama.cpp', 'Vulkan1', 'dgpu', { luid: b }),
      seen('openvino', 'GPU.0', 'dgpu', { luid: b }),
      seen('openvino', 'GPU.1', 'dgpu', { luid: a }),
    ]
    expect(names(mergeDevices({ cpu: CPU, system: [], found })).slice(0, 2)).toEqual([
      ['gpu0', 'dgpu', { 'llama.cpp': 'Vulkan0', openvino: 'GPU.1' }],
      ['gpu1', 'dgpu', { 'llama.cpp': 'Vulkan1', openvino: 'GPU.0' }],
    ])
  })

  test('by name, whatever marks it has; and the only one of its kind', () => {
    const system = [
      windows({ ...B580, title: 'Intel(R) Arc(TM) B580 Graphics' }),
      windows(IGPU),
      windows(NPU),
    ]
    const found = [
      seen('llama.cpp', 'Vulkan0', 'dgpu', { title: 'Intel(R) Arc(tm) B580 Graphics (BMG G21)' }),
      seen('openvino', 'GPU.0', 'igpu', { title: 'Intel(R) Graphics (iGPU)' }),
      seen('openvino', 'GPU.1', 'dgpu', { title: 'Intel(R) Arc(TM) B580 Graphics (dGPU)' }),
      seen('openvino', 'NPU', 'npu', { title: 'Intel(R) AI Boost' }),
    ]
    const devices = mergeDevices({ cpu: CPU, system, found })
    expect(devices.map(({ engines }) => engines)).toEqual([
      { openvino: 'NPU' },
      { 'llama.cpp': 'Vulkan0', openvino: 'GPU.1' },
      { openvino: 'GPU.0' },
      {},
    ])
    expect(devices[1]?.driver).toBe('xe 6.14.0')
  })

  test('where the system is sure what is integrated, the only one of a kind is known', () => {
    const found = [seen('openvino', 'GPU', 'dgpu', { vendor: 'intel' })]
    const devices = mergeDevices({ cpu: CPU, system: [IGPU, B580], found })
    expect(devices.map(({ id, kind, engines }) => [id, kind, engines])).toEqual([
      ['gpu1', 'dgpu', { openvino: 'GPU' }],
      ['gpu0', 'igpu', {}],
      ['cpu', 'cpu', {}],
    ])
  })

  test('a name that fits is not enough where an address speaks against it', () => {
    const at = (bus: number) => ({ pciAddress: `0000:0${bus}:00.0` })
    const found = [
      seen('llama.cpp', 'Vulkan0', 'dgpu', { title: 'B580', ...at(3) }),
      seen('openvino', 'GPU', 'dgpu', { title: 'B580', ...at(4) }),
      seen('openai', 'X', 'dgpu', { title: 'B580', ...at(5) }),
    ]
    expect(mergeDevices({ cpu: CPU, system: [B580], found })).toHaveLength(4)
  })

  test('two that nothing tells apart are not mixed up, and not listed twice', () => {
    const system = [windows(B580), windows(B580)]
    const found = ['Vulkan0', 'Vulkan1'].map((name) => seen('llama.cpp', name, 'dgpu', { title: 'B580' }))
    const more = ['GPU.0', 'GPU.1'].map((name) => seen('openvino', name, 'dgpu', { title: 'B580' }))
    const devices = mergeDevices({ cpu: CPU, system, found: [...found, ...more] })
    expect(devices.map(({ engines }) => engines)).toEqual([
      { 'llama.cpp': 'Vulkan0' },
      { 'llama.cpp': 'Vulkan1' },
      { openvino: 'GPU.0' },
      { openvino: 'GPU.1' },
      {},
    ])
  })

  test('addresses that differ are never the same device', () => {
    const found = [
      seen('llama.cpp', 'Vulkan0', 'dgpu', { pciAddress: '0000:03:00.0' }),
      seen('openvino', 'GPU', 'dgpu', { pciAddress: '0000:04:00.0' }),
    ]
    expect(mergeDevices({ cpu: CPU, system: [], found })).toHaveLength(3)
  })
})

test('the memory of an integrated GPU is what an engine may take, not what the firmware set aside', () => {
  const apu: SystemDevice = {
    ...B580,
    vendor: 'amd',
    memoryBytes: 5e8,
    freeBytes: 1e8,
    driver: 'amdgpu 6.14',
  }
  const { pciAddress } = B580
  const card = { pciAddress: pciAddress!, memoryBytes: 16e9 }
  const of = (kind: 'igpu' | 'dgpu') =>
    mergeDevices({ cpu: CPU, system: [apu], found: [seen('llama.cpp', 'Vulkan0', kind, card)] })[0]
  expect(of('igpu')).toMatchObject({ memoryBytes: 16e9 })
  expect(of('igpu')).not.toHaveProperty('freeBytes')
  expect(of('dgpu')).toMatchObject({ memoryBytes: 5e8, freeBytes: 1e8 })
})

test('what the CPU computes itself comes last, is no hardware of the system, and takes no id of hardware', () => {
  const found = [
    seen('llama.cpp', 'Vulkan0', 'igpu', { software: true, title: 'llvmpipe' }),
    seen('llama.cpp', 'Vulkan1', 'igpu', { pciAddress: '0000:00:02.0' }),
  ]
  const devices = mergeDevices({ cpu: CPU, system: [IGPU], found })
  expect(names(devices)).toEqual([
    ['gpu0', 'igpu', { 'llama.cpp': 'Vulkan1' }],
    ['cpu', 'cpu', {}],
    ['gpu1', 'igpu', { 'llama.cpp': 'Vulkan0' }],
  ])
  const alone = mergeDevices({ cpu: CPU, system: [IGPU], found: found.slice(0, 1) })
  expect(alone.map(({ id, problems }) => [id, problems?.length])).toEqual([
    ['gpu0', 2],
    ['cpu', undefined],
    ['gpu1', undefined],
  ])
})

const { driver: _, ...DRIVERLESS } = NPU
const NVIDIA: SystemDevice = {
  ...B580,
  vendor: 'nvidia',
  title: 'NVIDIA GPU (2684)',
  driver: 'nvidia 550.54.14',
}

test.each<[SystemDevice, EngineProblems, RegExp[]]>([
  [NPU, { openvino: 'none was found' }, [/^OpenVINO cannot use it: none was found; `tandem setup openvino`/]],
  [NPU, {}, [/^OpenVINO does not list it: `tandem doctor`/]],
  [DRIVERLESS, {}, [/^it has no driver: `tandem doctor`/]],
  [B580, {}, [/Vulkan does not list it/, /^OpenVINO does not list it/]],
  [NVIDIA, {}, [/Vulkan does not list it.*nvidia/]],
  [NVIDIA, { 'llama.cpp': 'its probe failed: ended by SIGSEGV' }, [/SIGSEGV/]],
  [{ ...NPU, vendor: 'amd', pciId: '17f0', driver: 'amdxdna 6.14' }, {}, [/no engine of Tandem/]],
])('hardware that nothing can use is listed with what it lacks: %o, %o', (system, problems, says) => {
  const [device] = mergeDevices({ cpu: CPU, system: [system], found: [], problems })
  expect(device).toMatchObject({ engines: {}, problems: says.map((each) => expect.stringMatching(each)) })
  expect(device?.problems).toHaveLength(says.length)
  expect(device?.kind).toBe(system.family === 'npu' ? 'npu' : 'dgpu')
})

test('every name of every engine stays, once, and ids are unique, for any mix of sources', () => {
  const address = fc.constantFrom(undefined, '0000:01:00.0', '0000:02:00.0', '0000:03:00.0')
  const device = fc.record({
    kind: fc.constantFrom('npu', 'dgpu', 'igpu', 'cpu'),
    title: fc.constantFrom('A', 'B'),
    at: address,
    luid: fc.constantFrom(undefined, 'x', 'y'),
  })
  const system = fc.record({ family: fc.constantFrom('gpu', 'npu'), at: address })
  fc.assert(
    fc.property(
      fc.array(system, { maxLength: 4 }),
      fc.array(fc.array(device, { maxLength: 4 }), { maxLength: 3 }),
      (all, lists) => {
        const found = lists.flatMap((list, at) =>
          list.map(({ kind, title, at: pciAddress, luid }, number) =>
            seen(
              (['llama.cpp', 'openvino', 'openai'] as const)[at]!,
              `D${number}`,
              kind as EngineDevice['kind'],
              {
                title,
                ...(pciAddress ? { pciAddress } : {}),
                ...(luid ? { luid } : {}),
              },
            ),
          ),
        )
        const known = all.map(({ family, at }): SystemDevice => {
          const { pciAddress: _, ...rest } = family === 'npu' ? NPU : B580
          return { ...rest, ...(at ? { pciAddress: at } : {}) }
        })
        const devices = mergeDevices({ cpu: CPU, system: known, found })
        expect(new Set(devices.map(({ id }) => id)).size).toBe(devices.length)
        const listed = devices.flatMap(({ engines }) => Object.entries(engines).map(([e, n]) => `${e} ${n}`))
        const accelerators = found
          .filter(({ kind }) => kind !== 'cpu')
          .map(({ engine, name }) => `${engine} ${name}`)
        expect(listed).toEqual(expect.arrayContaining(accelerators))
      },
    ),
  )
})
