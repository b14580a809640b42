import { describe, expect, test } from 'vitest'
import { DEVICE_KINDS, ENGINE_IDS, SIMULATED_MACHINES } from '../../domain/index.ts'
import { parseFault } from './fault.ts'
import type { Figure } from './figure.ts'
import { simulatedDevices, simulatedMachine, simulatedMeasurement } from './index.ts'
import { PROFILES } from './profiles/index.ts'

test('every name has its profile', () => {
  expect(Object.keys(PROFILES)).toEqual([...SIMULATED_MACHINES])
  for (const [id, machine] of Object.entries(PROFILES)) expect(machine.id).toBe(id)
})

describe.each(SIMULATED_MACHINES)('the profile %s', (id) => {
  const machine = simulatedMachine(id)
  const ids = machine.devices.map(({ device }) => device.id)

  test('has simulated devices with ids and kinds of their own, the CPU last', () => {
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids.at(-1)).toBe('cpu')
    for (const device of simulatedDevices(machine)) {
      expect(device.simulated).toBe(true)
      expect(device.name).toContain('(simulated)')
      expect(DEVICE_KINDS).toContain(device.kind)
      expect(device.id).toMatch(
        device.kind === 'cpu' ? /^cpu$/ : device.kind === 'npu' ? /^npu\d$/ : /^gpu\d$/,
      )
      for (const engine of Object.keys(device.engines)) expect(ENGINE_IDS).toContain(engine)
      expect(device.sharedMemory ?? false).toBe(device.kind === 'npu' || device.kind === 'igpu')
      if (device.kind === 'dgpu') expect(device.pciAddress).toMatch(/^0000:[0-9a-f]{2}:[0-9a-f]{2}\.\d$/)
    }
    const cpu = machine.devices.at(-1)!.device
    if (cpu.performanceCores !== undefined)
      expect(cpu.performanceCores + cpu.efficiencyCores!).toBeLessThanOrEqual(cpu.cores!)
  })

  test('gives each figure a source, or says why it is an estimate', () => {
    const figures: [string, Figure][] = [
      ...machine.devices.flatMap(({ device, figures = {} }) =>
        Object.entries(figures).map(([name, figure]): [string, Figure] => [`${device.id} ${name}`, figure]),
      ),
      ...machine.contention.map(({ device, beside, keeps }): [string, Figure] => [
        `${device} ${beside}`,
        keeps,
      ]),
    ]
    expect(figures.length).toBeGreaterThan(5)
    for (const [name, figure] of figures) {
      expect(figure.value, name).toBeGreaterThan(0)
      expect(('estimate' in figure ? figure.why : figure.source).length, name).toBeGreaterThan(10)
    }
    for (const { keeps } of machine.contention) expect(keeps.value).toBeLessThanOrEqual(1)
  })

  test('names no device that it lacks, and only faults that exist', () => {
    for (const { device, beside } of machine.contention) {
      expect(ids).toContain(device)
      expect(ids).toContain(beside)
    }
    for (const { failureModes } of machine.devices)
      for (const { fault, source } of failureModes) {
        expect(parseFault(fault), fault).toBeDefined()
        expect(source).not.toBe('')
      }
  })

  test('runs each of its models somewhere, each with a shape and a fingerprint that no real one has', () => {
    for (const { model, shape, source } of machine.models) {
      expect(model.fingerprint).toMatch(/^simulated-/)
      expect(source).not.toBe('')
      const places = machine.devices.flatMap(({ device }) =>
        (Object.keys(device.engines) as (keyof typeof device.engines)[]).flatMap(
          (engine) =>
            simulatedMeasurement(machine, {
              task: model.tasks[0]!,
              model,
              shape,
              engine,
              device: device.id,
            }) ?? [],
        ),
      )
      expect(places.filter(({ failed }) => failed === undefined).length).toBeGreaterThan(0)
    }
  })
})
