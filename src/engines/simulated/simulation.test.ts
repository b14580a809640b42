import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { PACKAGE_ROOT } from '../../config/index.ts'
import { simulatedDevices, simulatedMeasurement } from '../../devices/simulated/index.ts'
import { type Model, SIMULATED_MACHINES, TASKS, type Task } from '../../domain/index.ts'
import { loadCatalogue } from '../../models/index.ts'
import { makePlan, policyNamed } from '../../placement/index.ts'
import { ENGINES } from '../index.ts'
import { parseSettings } from './settings.ts'
import { asSimulated, openSimulation, simulatedCatalogue, simulatedWorker } from './simulation.ts'

const real = await loadCatalogue([join(PACKAGE_ROOT, 'models')])

describe.each(SIMULATED_MACHINES)('the simulated %s', (id) => {
  const simulation = openSimulation({ simulate: { machine: id, faults: {}, speedUp: 1 } }, '/home/me/tandem')!
  const { machine } = simulation
  const catalogue = simulatedCatalogue(simulation, real)
  const first = (task: Task) => catalogue.list().find((model) => model.tasks.includes(task))!

  test('serves every task, and each placement of the plan has all that its worker needs', () => {
    const models = Object.fromEntries(TASKS.map((task) => [task, asSimulated(first(task), simulation)]))
    const devices = simulatedDevices(machine)
    const plan = makePlan({
      policy: policyNamed('development'),
      devices,
      engines: ENGINES,
      models: TASKS.map((task) => ({ task, model: models[task]! })),
    })
    expect(plan.simulated).toBe(true)
    for (const task of TASKS) {
      const placements = plan.tasks[task]!
      expect(placements.length, task).toBeGreaterThan(0)
      for (const placement of placements) {
        const { settings } = simulatedWorker(simulation, placement, models[task]!)
        expect(parseSettings(structuredClone(settings))).toEqual(settings) // as it crosses IPC
        expect(settings.timing[task === 'chat' ? 'decoder' : 'encoder']).toBeDefined()
      }
    }
  })

  test('is measured where an engine says that it runs, and nowhere else', () => {
    const models = [...machine.models.map(({ model }) => model), ...real.list()]
    for (const model of models)
      for (const task of TASKS)
        for (const engine of ENGINES)
          for (const device of simulatedDevices(machine)) {
            const runs =
              model.tasks.includes(task) &&
              (engine.tasks as readonly Task[]).includes(task) &&
              engine.devices.includes(device.kind) &&
              device.engines[engine.id] !== undefined &&
              engine.formats.some((format) => model.files[format] !== undefined)
            const found = simulatedMeasurement(machine, { task, model, engine: engine.id, device: device.id })
            expect(found !== undefined, `${model.id} by ${engine.id} on ${device.id}`).toBe(runs)
          }
  })

  test('has the models of the profile first, and finds the real ones too', () => {
    expect(catalogue.find('tandem-tiny-chat').id).toBe('tandem-tiny-chat')
    expect(catalogue.get(machine.models[0]!.model.id)).toBe(machine.models[0]!.model)
    expect(() => catalogue.find('tandem-tiny-caht')).toThrow(/did you mean tandem-tiny-chat/)
  })
})

test('no model of a simulated server has the fingerprint or the folder of a real one', () => {
  const simulation = openSimulation(
    { simulate: { machine: 'amd', faults: {}, speedUp: 1 } },
    '/home/me/tandem',
  )!
  const marked = (model: Model) => asSimulated(model, simulation)
  for (const model of real.list()) {
    expect(marked(model).fingerprint).toMatch(/^simulated-/)
    expect(marked(model).folder).toBe(join('/home/me/tandem', 'simulated', 'amd', 'models', model.id))
    expect(marked(model).title).toContain('(simulated)')
    expect(marked(marked(model))).toEqual(marked(model))
  }
})
