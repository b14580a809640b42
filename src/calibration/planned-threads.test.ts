import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Config } from '../config/index.ts'
import { placementsOf, SIMULATED_MACHINES, type SimulatedMachineId } from '../domain/index.ts'
import { Knowledge } from './knowledge.ts'
import { surveyMachine } from './survey.ts'

let home: string
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'tandem-threads-'))
})
afterAll(() => rmSync(home, { recursive: true, force: true }))

async function knowledgeOf(machine: SimulatedMachineId) {
  const config = Config.parse({ simulate: { machine } })
  return new Knowledge(await surveyMachine({ config, home, signal: new AbortController().signal }))
}

test.each(SIMULATED_MACHINES)(
  '%s: what computes on the CPU has threads, never more than it has',
  async (machine) => {
    const knowledge = await knowledgeOf(machine)
    const cores = knowledge.survey.devices.find(({ kind }) => kind === 'cpu')?.cores ?? 0
    const plan = knowledge.plan()
    const all = placementsOf(plan)
    expect(all.filter(({ kind }) => kind === 'cpu').every(({ threads }) => Number(threads) >= 1)).toBe(true)
    const serving = all.filter(({ role }) => role !== 'fallback')
    const sum = serving.reduce((total, { threads = 0 }) => total + threads, 0)
    expect(sum).toBeLessThanOrEqual(cores - plan.reserveCores!)
  },
)

test('another policy is shown with the processors that it leaves free itself', async () => {
  const knowledge = await knowledgeOf('cpu-only')
  const threadsBy = (policy: string) =>
    placementsOf(knowledge.plan({ policy }))
      .filter(({ role }) => role === 'primary')
      .reduce((total, { threads = 0 }) => total + threads, 0)
  // 16 logical processors: all but `cpu.reserveCores`, or all but a quarter
  expect([threadsBy('performance'), threadsBy('development')]).toEqual([15, 12])
})
