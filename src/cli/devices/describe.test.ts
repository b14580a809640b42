import { expect, test } from 'vitest'
import { describeDevices } from './describe.ts'
import type { ListedDevice } from './listed.ts'

const GIB = 1024 ** 3
const REFERENCE: readonly ListedDevice[] = [
  {
    id: 'npu0',
    kind: 'npu',
    name: 'NPU of Arrow Lake (3720)',
    engines: {},
    simulated: false,
    sharedMemory: true,
    driver: 'intel_vpu 6.14.0-37-generic',
    problems: [
      'no engine can use it: install OpenVINO with `tandem setup openvino` (OpenVINO: none was found)',
    ],
    load: { busy: 0, mhz: 0, usedBytes: 12_000_000 },
  },
  {
    id: 'gpu1',
    kind: 'dgpu',
    name: 'Intel(R) Arc(TM) B580 Graphics',
    memoryBytes: 12 * GIB,
    freeBytes: 11 * GIB,
    engines: { 'llama.cpp': 'Vulkan0', openvino: 'GPU.1' },
    simulated: false,
    driver: 'xe 6.14.0-37-generic, Intel open-source Mesa driver Mesa 25.0.7',
    load: { busy: 0.123, mhz: 2850, watts: 60.4, usedBytes: 2 * GIB },
  },
  {
    id: 'cpu',
    kind: 'cpu',
    name: 'Intel(R) Core(TM) Ultra 7 265K',
    memoryBytes: 32 * GIB,
    engines: { onnxruntime: 'cpu', 'llama.cpp': 'cpu' },
    simulated: false,
  },
]

test('a table where there is room: one line for each device, then what is missing', () => {
  const lines = describeDevices(REFERENCE).split('\n')
  expect(lines[0]).toMatch(/^device +kind +name +memory +driver +engines +good for +now$/)
  expect(lines[1]).toMatch(
    /^npu0 +npu .* the system's .* nothing yet, see below +0 % busy, asleep, uses 12 MB$/,
  )
  expect(lines[2]).toMatch(/ 10\.0 of 12\.0 GiB free .* chat, large models +12 % busy, 2850 MHz, 60 W$/)
  expect(lines[3]).toMatch(/ 32\.0 GiB .* onnxruntime=cpu llama\.cpp=cpu +fallback for everything$/)
  expect(lines.slice(4)).toEqual([
    '',
    'missing',
    '  npu0  no engine can use it: install OpenVINO with `tandem setup openvino` (OpenVINO: none was found)',
    '',
  ])
})

test.each([40, 60, 80, 120])(
  'a block for each device at %i columns, no line too long, nothing lost',
  (columns) => {
    const text = describeDevices(REFERENCE, columns)
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(columns)
    const plain = (shown: string) => shown.replace(/\s+/g, ' ')
    for (const part of [
      'Arc(TM) B580',
      'Mesa 25.0.7',
      'openvino=GPU.1',
      'chat, large models',
      '12 % busy',
      'none was found',
    ])
      expect(plain(text)).toContain(part)
  },
)

test('a column that nobody fills is not shown', () => {
  const [header] = describeDevices(REFERENCE.slice(2)).split('\n')
  expect(header).toBe(header?.replace(/ driver| now/g, ''))
})

test.each([
  ['dgpu', 6, 'chat, medium models'],
  ['dgpu', 24, 'chat, large models'],
  ['igpu', 16, "small models; shares the system's memory"],
  ['npu', 16, 'embeddings and reranking in the background'],
])('%s with %i GiB is good for %s', (kind, gib, phrase) => {
  const engines = { openvino: 'X' }
  const device = { id: 'x', kind, name: 'X', engines, simulated: false, memoryBytes: gib * GIB }
  expect(describeDevices([device])).toContain(phrase)
  expect(describeDevices([{ ...device, software: true }])).toContain('tests: the CPU computes it')
})
