import { expect, test } from 'vitest'
import { heteroPlacement } from './hetero.ts'

const seed = {
  device_priorities: ['GPU.1', 'NPU', 'CPU'],
  performance_hint: 'LATENCY',
  enable_profiling: true,
} as const
const config = (changes: object = {}) => ({
  ...seed,
  device_priorities: [...seed.device_priorities],
  ...changes,
})

test('on the machine that it was written for it becomes what OpenVINO takes', () => {
  expect(heteroPlacement(config(), ['CPU', 'GPU.0', 'GPU.1', 'NPU'])).toEqual({
    device: 'HETERO:GPU.1,NPU,CPU',
    properties: { PERFORMANCE_HINT: 'LATENCY', PERF_COUNT: 'YES' },
    absent: [],
  })
})

test('devices that are not here are left out and named; none left is nothing', () => {
  expect(heteroPlacement(config({ enable_profiling: false }), ['CPU'])).toEqual({
    device: 'HETERO:CPU',
    properties: { PERFORMANCE_HINT: 'LATENCY' },
    absent: ['GPU.1', 'NPU'],
  })
  expect(heteroPlacement(config({ device_priorities: ['NPU'] }), ['CPU'])).toBeUndefined()
})

test('a single GPU is listed without its number, and GPU.0 means it', () => {
  expect(heteroPlacement(config({ device_priorities: ['GPU.0', 'CPU'] }), ['CPU', 'GPU'])?.device).toBe(
    'HETERO:GPU.0,CPU',
  )
  expect(heteroPlacement(config({ device_priorities: ['GPU'] }), ['CPU', 'GPU.0', 'GPU.1'])?.device).toBe(
    'HETERO:GPU',
  )
})

test('cumulative throughput is what AUTO does; the mode can be asked for', () => {
  const cumulative = config({ performance_hint: 'CUMULATIVE_THROUGHPUT' })
  expect(heteroPlacement(cumulative, ['CPU', 'NPU'])).toMatchObject({
    device: 'AUTO:NPU,CPU',
    properties: { PERFORMANCE_HINT: 'CUMULATIVE_THROUGHPUT' },
  })
  expect(heteroPlacement(config({ mode: 'AUTO' }), ['CPU'])?.device).toBe('AUTO:CPU')
})
