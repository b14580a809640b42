/**
 * Every simulated machine with every policy against a plan that was reviewed by eye. After a change that is meant, `-u` writes the
 * files anew: read their diff as its owner would.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Config } from '../config/index.ts'
import {
  type Plan,
  POLICIES,
  type RejectedPlacement,
  SIMULATED_MACHINES,
  type SimulatedMachineId,
} from '../domain/index.ts'
import { Knowledge } from './knowledge.ts'
import { surveyMachine } from './survey.ts'

const FOLDER = fileURLToPath(new URL('../../test/data/golden-plans/', import.meta.url))

let home: string
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'tandem-golden-'))
})
afterAll(() => rmSync(home, { recursive: true, force: true }))

const fileOf = (machine: string, policy: string) => `${machine}.${policy}.txt`

async function planOf(machine: SimulatedMachineId, policy: string): Promise<string> {
  const config = Config.parse({ simulate: { machine }, placement: { policy } })
  const { signal } = new AbortController()
  const survey = await surveyMachine({ config, home, signal })
  const title = survey.simulation?.machine.title ?? ''
  return `${title}\n${textOf(new Knowledge(survey).plan())}`
}

function textOf({ policy, tasks, rejected, reserveCores, unmet = [] }: Plan): string {
  const lines = [`policy ${policy}, reserved logical processors: ${reserveCores}`]
  for (const [task, placements] of Object.entries(tasks)) {
    lines.push('', task)
    for (const { role, model, engine, device, reasons } of placements) {
      lines.push(`  ${role}: ${model}, ${engine} on ${device}`, ...reasons.map((reason) => `    ${reason}`))
    }
  }
  lines.push('', 'rejected', ...rejectedLines(rejected), ...unmet.map(({ reason }) => `unmet: ${reason}`))
  return `${lines.join('\n')}\n`
}

/** Devices that share an engine and a reason stand together. */
function rejectedLines(rejected: readonly RejectedPlacement[]): string[] {
  const groups = new Map<string, string[]>()
  for (const { task, model, engine, device, reason } of rejected) {
    const key = JSON.stringify([`${task} ${model}, ${engine}`, reason])
    groups.set(key, [...(groups.get(key) ?? []), device])
  }
  return [...groups].map(([key, devices]) => {
    const [what, reason] = JSON.parse(key) as [string, string]
    return `  ${what} on ${devices.join(', ')}: ${reason}`
  })
}

describe.each(SIMULATED_MACHINES)('%s', (machine) => {
  test.each(POLICIES)('[measured-placement] plan of the policy %s', async (policy) => {
    await expect(await planOf(machine, policy)).toMatchFileSnapshot(join(FOLDER, fileOf(machine, policy)))
  })
})

test('no plan is kept of a machine or policy that is gone', () => {
  const known = SIMULATED_MACHINES.flatMap((machine) => POLICIES.map((policy) => fileOf(machine, policy)))
  expect(readdirSync(FOLDER).sort()).toEqual(known.sort())
})
