import { afterEach, describe, expect, test, vi } from 'vitest'
import { describeVulkan } from '../../../test/support/vulkan.ts'
import { discoverLlamaCpp, readVulkanProbe } from './discover.ts'

const { signal } = new AbortController()

test('the CPU is always there, with the version of the package', async () => {
  const found = await discoverLlamaCpp({ signal })
  expect(found.version).toMatch(/^node-llama-cpp \d+\.\d+\.\d+/)
  expect(found.devices.at(-1)).toMatchObject({ name: 'cpu', kind: 'cpu' })
  expect(found.devices.at(-1)?.title).not.toBe('')
})

describe('with an environment of its own', () => {
  afterEach(() => vi.unstubAllEnvs())

  test('a probe that crashes is a problem that is said, and the CPU stays', async () => {
    vi.stubEnv('NODE_OPTIONS', '--max-old-space-size=1') // V8 aborts
    const { devices, problem, warnings } = await discoverLlamaCpp({ signal })
    expect(devices.map(({ name }) => name)).toEqual(['cpu'])
    expect(problem).toMatch(/^Vulkan's devices are unknown: its probe failed: ./)
    expect(warnings).toEqual([`llama.cpp: ${problem}`])
  })
})

describeVulkan('llama.cpp on Vulkan', () => {
  test('a real device, as its driver describes it', async () => {
    const { devices, problem } = await discoverLlamaCpp({ signal })
    expect(problem).toBeUndefined()
    const gpu = devices.find(({ name }) => name.startsWith('Vulkan'))!
    expect(gpu.env).toEqual({ GGML_VK_VISIBLE_DEVICES: gpu.name.replace('Vulkan', '') })
    expect(gpu.title).toMatch(/^[\x20-\x7e]{3,}$/)
    expect(gpu.driver).toMatch(/\d/)
    expect(gpu.memoryBytes).toBeGreaterThan(2 ** 28)
    if (gpu.title.startsWith('llvmpipe')) expect(gpu).toMatchObject({ kind: 'igpu', software: true })
  })
})

test.each([
  [{ stdout: '', why: 'ended by SIGSEGV' }, /probe failed: ended by SIGSEGV/],
  [{ stdout: '', why: 'no answer within 2 s' }, /no answer within 2 s/],
  [{ stdout: 'MESA: warning' }, /printed "MESA: warning"/],
  [{ stdout: '{"loader":true,"devices":[{"index":-1}]}' }, /printed/],
])('%j is a problem, and no device', (answer, says) => {
  expect(readVulkanProbe(answer)).toEqual({ devices: [], problem: expect.stringMatching(says) })
})

test('what a layer prints before the answer does not matter', () => {
  expect(readVulkanProbe({ stdout: 'MangoHud v0.7\n{"loader":true,"devices":[]}\n' })).toEqual({
    devices: [],
  })
})

test('no loader, and a loader without drivers, are no problem', () => {
  expect(readVulkanProbe({ stdout: '{"loader":false,"devices":[]}' })).toEqual({ devices: [] })
  expect(readVulkanProbe({ stdout: '{"loader":true,"devices":[]}' })).toEqual({ devices: [] })
})
