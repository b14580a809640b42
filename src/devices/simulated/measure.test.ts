import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type EncoderShape, type Model, SIMULATED_MACHINES } from '../../domain/index.ts'
import {
  keepsBeside,
  simulatedInterference,
  simulatedMachine,
  simulatedMeasurement,
  simulatedTiming,
} from './index.ts'
import { qwen3Coder30b, qwenCoder7b, qwenCoder14b, qwenCoder32b } from './models/chat.ts'
import { encodeMs, inferenceMs } from './timing.ts'

const pc = simulatedMachine('core-ultra-265k-b580')

/** e5-small as it is published. */
const e5Shape: EncoderShape = {
  kind: 'encoder',
  parameters: 33_360_000,
  weightBytes: 33_360_000,
  layers: 12,
  hidden: 384,
  feedForward: 1536,
  heads: 12,
  weightBits: 8,
}
const e5: Model = {
  id: 'e5-small',
  title: 'e5-small',
  revision: '1',
  license: 'MIT',
  tasks: ['embed'],
  parameters: e5Shape.parameters,
  contextTokens: 512,
  files: { 'openvino-ir': [{ path: 'm.bin', sizeBytes: e5Shape.weightBytes, sha256: '' }] },
  folder: '',
  fingerprint: 'e5',
}
const embed = (machine: typeof pc, device: string) =>
  simulatedMeasurement(machine, { task: 'embed', model: e5, shape: e5Shape, engine: 'openvino', device })!
const chat = (device: string, { model, shape } = qwenCoder14b, machine = pc) =>
  simulatedMeasurement(machine, { task: 'chat', model, shape, engine: 'llama.cpp', device })!

describe('figures that people have seen', () => {
  test('a 14B model in Q4 decodes 25 to 35 tokens/s on an Arc B580, with and without its shape', () => {
    expect(chat('gpu0').decoder!.decodeTokensPerSecond).toBeGreaterThan(25)
    expect(chat('gpu0').decoder!.decodeTokensPerSecond).toBeLessThan(35)
    const { shape, ...plain } = {
      task: 'chat',
      engine: 'llama.cpp',
      device: 'gpu0',
      ...qwenCoder14b,
    } as const
    const rough = simulatedMeasurement(pc, plain)!.decoder!.decodeTokensPerSecond
    expect(rough).toBeGreaterThan(25)
    expect(rough).toBeLessThanOrEqual(chat('gpu0').decoder!.decodeTokensPerSecond)
  })

  test('NPU 3720 embeds 33 texts/s of 512 tokens with e5-small, one at a time, and more when they are shorter', () => {
    const { encoder, estimated } = embed(pc, 'npu0')
    const at = (tokens: number) => encoder!.buckets.find((bucket) => bucket.tokens === tokens)!
    expect(1000 / at(512).msPerText).toBeGreaterThan(32)
    expect(1000 / at(512).msPerText).toBeLessThan(34.5)
    expect(encoder!.buckets.every(({ batch }) => batch === 1)).toBe(true)
    expect(at(128).msPerText).toBeLessThan(at(512).msPerText / 3)
    expect(estimated).toBeUndefined() // its source is a report
  })

  test('nowhere is an NPU the fastest device', () => {
    for (const id of SIMULATED_MACHINES) {
      const machine = simulatedMachine(id)
      if (!machine.devices.some(({ device }) => device.engines.openvino === 'NPU')) continue
      expect(embed(machine, 'npu0').encoder!.textsPerSecond).toBeLessThan(
        embed(machine, 'cpu').encoder!.textsPerSecond,
      )
    }
  })

  test('a mixture of experts decodes by what a token uses of it', () => {
    const machine = simulatedMachine('panther-lake')
    const mixture = chat('gpu0', qwen3Coder30b, machine).decoder!.decodeTokensPerSecond
    expect(mixture).toBeGreaterThan(chat('gpu0', qwenCoder7b, machine).decoder!.decodeTokensPerSecond)
  })

  test('a model that does not fit into the GPU is slowed by the CPU, to more than the CPU alone reaches', () => {
    const [gpu, cpu] = ['gpu0', 'cpu'].map(
      (device) => chat(device, qwenCoder32b).decoder!.decodeTokensPerSecond,
    )
    expect(gpu).toBeLessThan(chat('gpu0').decoder!.decodeTokensPerSecond / 3)
    expect(gpu).toBeGreaterThan(cpu!)
  })
})

test.each([
  [
    'an engine that does not know the device',
    { task: 'chat', ...qwenCoder14b, engine: 'llama.cpp', device: 'npu0' },
  ],
  [
    'an engine that does something else',
    { task: 'chat', ...qwenCoder14b, engine: 'openvino', device: 'gpu0' },
  ],
  ['a device that is not there', { task: 'chat', ...qwenCoder14b, engine: 'llama.cpp', device: 'gpu7' }],
  [
    'a task that the model does not do',
    { task: 'embed', ...qwenCoder14b, engine: 'openvino', device: 'npu0' },
  ],
  [
    'a format that nobody reads',
    { task: 'embed', model: { ...e5, files: {} }, engine: 'openvino', device: 'npu0' },
  ],
] as const)('there is no measurement of %s', (_, candidate) => {
  expect(simulatedMeasurement(pc, candidate)).toBeUndefined()
  expect(simulatedTiming(pc, candidate)).toBeUndefined()
})

test('a model that is larger than all memory is said to fail', () => {
  const sizeBytes = 500e9
  const model = { ...qwenCoder14b.model, files: { gguf: [{ path: 'm.gguf', sizeBytes, sha256: '' }] } }
  const { failed } = simulatedMeasurement(pc, { task: 'chat', model, engine: 'llama.cpp', device: 'gpu0' })!
  expect(failed).toContain('does not fit')
})

test('no text is read in less time than alone is possible, and a longer one more never shortens the whole', () => {
  const timings = SIMULATED_MACHINES.flatMap((id) => {
    const machine = simulatedMachine(id)
    return machine.devices.flatMap(({ device }) => {
      const candidate = {
        task: 'embed',
        model: e5,
        shape: e5Shape,
        engine: 'openvino',
        device: device.id,
      } as const
      return simulatedTiming(machine, candidate)?.encoder ?? []
    })
  })
  const lengths = fc.array(fc.integer({ min: 1, max: 512 }), { minLength: 1, maxLength: 40 })
  const total = (steps: readonly number[]) => steps.reduce((sum, ms) => sum + ms, 0)
  fc.assert(
    fc.property(
      fc.constantFrom(...timings),
      lengths,
      fc.integer({ min: 1, max: 512 }),
      (timing, list, one) => {
        const before = total(encodeMs(timing, list))
        const longer = Math.max(one, ...list)
        expect(total(encodeMs(timing, [...list, longer]))).toBeGreaterThan(before)
        expect(encodeMs(timing, list).length).toBe(Math.ceil(list.length / timing.maxBatch))
        expect(before).toBeGreaterThanOrEqual(
          Math.max(...list.map((tokens) => inferenceMs(timing, tokens, 1))),
        )
      },
    ),
  )
})

test('devices that share the memory of the system disturb each other, a discrete GPU is left alone', () => {
  const ref = (device: string) => ({ task: 'embed', model: 'm', engine: 'openvino', device }) as const
  const { firstKeeps, secondKeeps } = simulatedInterference(pc, ref('npu0'), ref('cpu'))
  expect(firstKeeps).toBeLessThan(1)
  expect(secondKeeps).toBeLessThan(1)
  expect(keepsBeside(pc, 'gpu0', 'npu0')).toBe(1)
  expect(keepsBeside(pc, 'gpu0', 'cpu')).toBeGreaterThan(0.95)
  expect(keepsBeside(pc, 'cpu', 'cpu')).toBe(0.5)
})
