import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { describeOpenVino, openVinoLibrary } from '../../../test/support/openvino.ts'
import { builtEntry, PACKAGE_ROOT } from '../../config/index.ts'
import { readDeviceProperties } from './device-properties.ts'
import type { ProbeReport } from './devices.ts'

function probe(...args: string[]): unknown {
  const run = spawnSync(process.execPath, [builtEntry('engines/openvino/probe'), ...args], {
    encoding: 'utf8',
  })
  expect(run.status, run.stderr).toBe(0)
  return JSON.parse(run.stdout)
}

describeOpenVino('the probe of a library', () => {
  test('tells version, devices with all that their plugins tell, and what did not load', () => {
    const report = probe(openVinoLibrary!) as ProbeReport
    expect(report.version).toMatch(/^20\d\d\.\d+/)
    const cpu = report.devices.find((device) => device.name === 'CPU')!
    expect(cpu.properties).toMatchObject({ DEVICE_ARCHITECTURE: expect.stringMatching(/\w/) })
    expect(cpu.properties).not.toHaveProperty('DEVICE_PCI_INFO')
    expect(Object.keys(cpu.properties)).toContain('INFERENCE_NUM_THREADS')
    expect(readDeviceProperties('CPU', cpu.properties)).toMatchObject({
      kind: 'cpu',
      capabilities: expect.arrayContaining(['FP32', 'INT8']),
    })
    const told = [...report.plugins.map((plugin) => plugin.device), ...report.problems.map((p) => p.device)]
    expect(told.sort()).toEqual(['AUTO', 'BATCH', 'CPU', 'GPU', 'HETERO', 'NPU'])
    for (const problem of report.problems) expect(problem.message).not.toBe('')
  })

  test('lists functions that are missing', () => {
    expect(probe(openVinoLibrary!, '--functions')).toEqual({ missing: [] })
  })
})

test('the probe of a file that is no library tells why', () => {
  const report = probe(join(PACKAGE_ROOT, 'package.json')) as ProbeReport
  expect(report).toMatchObject({
    devices: [],
    problems: [{ message: expect.stringContaining('package.json') }],
  })
  expect(report.version).toBeUndefined()
})
