import { describe, expect, test } from 'vitest'
import { type ServerWish, serverArguments } from './arguments.ts'

const wish: ServerWish = {
  model: '/m/a.gguf',
  alias: 'a',
  port: 4711,
  device: 'Vulkan0',
  threads: 6,
  contextTokens: 8192,
  slots: 2,
}
const line = (more: Partial<ServerWish> = {}, own: readonly string[] = []) =>
  serverArguments({ ...wish, ...more }, own).join(' ')

test('the whole line for a GPU', () => {
  expect(line()).toBe(
    '--model /m/a.gguf --host 127.0.0.1 --port 4711 --device Vulkan0 -ngl 999 -c 16384 -np 2 -t 6 --alias a --jinja --metrics --slots --no-webui',
  )
})

test.each([
  ['the CPU', { device: 'cpu', gpuLayers: 0 }, '--device none -ngl 0 '],
  ['as many layers as have room', { gpuLayers: 20 }, '--device Vulkan0 -ngl 20 '],
  ['experts on the CPU', { cpuExpertLayers: 12 }, '--n-cpu-moe 12 '],
  ['a smaller cache', { kvType: 'q8_0' }, '-ctk q8_0 -ctv q8_0 '],
  ['images', { mmproj: '/m/mmproj.gguf' }, '--mmproj /m/mmproj.gguf '],
  ['a draft', { draft: '/m/small.gguf' }, '-md /m/small.gguf -devd Vulkan0 -ngld 999 '],
  ['a draft on the CPU', { draft: '/m/s.gguf', device: 'cpu' }, '-md /m/s.gguf -devd none -ngld 0 '],
  [
    'a draft beside a model that two GPUs share',
    { draft: '/m/s.gguf', device: 'LAYER:Vulkan0(3),Vulkan1(1)' },
    '-md /m/s.gguf -devd Vulkan0,Vulkan1 -ngld 999 ',
  ],
  [
    'two GPUs with shares',
    { device: 'LAYER:Vulkan0(3),Vulkan1(1)' },
    '--device Vulkan0,Vulkan1 -sm layer -ts 3,1 -ngl 999 ',
  ],
  ['two GPUs, one share told', { device: 'row:SYCL0(2),SYCL1' }, '--device SYCL0,SYCL1 -sm row -ts 2,1 '],
  [
    'two GPUs, shares by their memory',
    { device: 'TENSOR:CUDA0,CUDA1' },
    '--device CUDA0,CUDA1 -sm tensor -ngl ',
  ],
] as const)('%s', (_, more, expected) => {
  expect(line(more)).toContain(expected)
})

test('nothing of what was not asked for', () => {
  const plain = line({ kvType: 'f16', cpuExpertLayers: 0 })
  for (const flag of ['-ctk', '--n-cpu-moe', '--mmproj', '-md', '-sm', '-ts'])
    expect(plain).not.toContain(`${flag} `)
})

describe("the user's own take the place of", () => {
  test.each([
    ['by the short name', ['-c', '4096'], '-c 16384'],
    ['by the long name', ['--ctx-size', '4096'], '-c 16384'],
    ['by another name', ['--n-gpu-layers', '10'], '-ngl 999'],
    ['by its opposite', ['--no-slots'], '--slots'],
    ['by its relative', ['--cpu-moe'], '--n-cpu-moe'],
    ['by the newer name', ['--ui'], '--no-webui'],
  ])('%s', (_, own, derived) => {
    const got = line({ cpuExpertLayers: 3 }, own)
    expect(` ${got} `).not.toContain(` ${derived} `)
    expect(got.endsWith(` ${own.join(' ')}`)).toBe(true)
  })

  test('devices and with them the shares', () => {
    const got = line({ device: 'LAYER:Vulkan0(3),Vulkan1(1)' }, ['--device', 'Vulkan1'])
    expect(got).not.toMatch(/-sm|-ts|Vulkan0/)
  })

  test('one of two: the other stays', () => {
    expect(line({ kvType: 'q8_0' }, ['-ctk', 'q4_0'])).toMatch(/-ctv q8_0 .*-ctk q4_0$/)
  })
})

test('the CPU takes no share of a split', () => {
  expect(() => line({ device: 'LAYER:Vulkan0,cpu' })).toThrow(/takes no share/)
})
