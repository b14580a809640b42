import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { loadConfig } from './load.ts'

const home = mkdtempSync(join(tmpdir(), 'tandem-hetero-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))

/** As the user of the seed wrote it. */
const SEED = {
  device_priorities: ['GPU.1', 'NPU', 'CPU'],
  performance_hint: 'LATENCY',
  enable_profiling: true,
}

const load = (yaml: unknown, env: NodeJS.ProcessEnv = {}, flag?: string) => {
  writeFileSync(join(home, 'tandem.yaml'), JSON.stringify(yaml))
  const flags = flag === undefined ? [] : [{ key: 'openvino.hetero', value: flag, flag: '--hetero-config' }]
  return loadConfig({ home, env, flags }).config.openvino.hetero
}
const file = (content: unknown): string => {
  const path = join(home, 'hetero_config.json')
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

test('the keys themselves, a path beside the configuration, an absolute path and JSON give the same', () => {
  const path = file(SEED)
  expect(load({ openvino: { hetero: SEED } })).toEqual(SEED)
  expect(load({ openvino: { hetero: 'hetero_config.json' } })).toEqual(SEED)
  expect(load({}, {}, path)).toEqual(SEED)
  expect(load({}, { TANDEM_OPENVINO_HETERO: JSON.stringify(SEED) })).toEqual(SEED)
})

test('profiling is off unless it is asked for', () => {
  expect(load({ openvino: { hetero: { device_priorities: ['CPU'] } } })).toEqual({
    device_priorities: ['CPU'],
    enable_profiling: false,
  })
})

test.each([
  [{ ...SEED, device_priority: ['CPU'] }, 'unknown key "device_priority"; did you mean device_priorities?'],
  [
    { ...SEED, performance_hint: 'FAST' },
    '"FAST" does not fit; allowed: LATENCY, THROUGHPUT, CUMULATIVE_THROUGHPUT',
  ],
  [
    { ...SEED, device_priorities: ['CPU', 'TPU'] },
    'device_priorities: "TPU" (entry 2) does not fit; allowed: CPU, NPU or GPU',
  ],
  [{ ...SEED, device_priorities: [] }, 'at least one of CPU, NPU or GPU'],
  [{ ...SEED, device_priorities: 'CPU' }, 'device_priorities: "CPU" does not fit'],
  [{ ...SEED, enable_profiling: 'yes' }, 'enable_profiling: "yes" does not fit; allowed: true or false'],
  [{ ...SEED, mode: 'MULTI' }, 'mode: "MULTI" does not fit; allowed: HETERO, AUTO'],
  [{ performance_hint: 'LATENCY' }, 'device_priorities is missing'],
  [['CPU'], 'must be an object with the keys device_priorities'],
  ['{"device_priorities": [', 'not valid JSON'],
])('%j is refused with what is allowed, and the file is named', (content, message) => {
  const path = file(content)
  expect(() => load({}, {}, path)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
  expect(() => load({}, {}, path)).toThrow(message)
  expect(() => load({}, {}, path)).toThrow(path)
})

test('every problem is told, and a missing file is named', () => {
  const path = file({ device_priorities: ['X'], performance_hint: 'Y' })
  expect(() => load({}, {}, path)).toThrow(/"X" \(entry 1\)[\s\S]*"Y" does not fit/)
  expect(() => load({}, {}, join(home, 'none.json'))).toThrow(
    /--hetero-config: openvino.hetero: cannot read .*none\.json/,
  )
})
