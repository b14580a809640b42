import { Knowledge, surveyMachine } from '../calibration/index.ts'
import { nearestNames } from '../config/index.ts'
import { type Plan, SIMULATED_MACHINES, type SimulatedMachineId, TandemError } from '../domain/index.ts'
import { policiesWith } from '../placement/index.ts'
import type { Refusal } from './conductor.ts'

/**
 * What the plan would be by another policy, or on a simulated machine. Nothing is started.
 * @param knowledge of this machine
 * @param where the home of the server, what ends the look, and what cannot serve here
 * @throws TandemError INVALID_REQUEST with the nearest names
 */
export async function planWith(
  knowledge: Knowledge,
  where: { readonly home: string; readonly signal: AbortSignal; readonly refusals: readonly Refusal[] },
  other: { readonly policy?: string; readonly simulate?: string },
): Promise<Plan> {
  const { config } = knowledge.survey
  const { policy, simulate } = other
  const policies = policiesWith(config.placement.policies).map(({ name }) => name)
  if (policy !== undefined) checkName('policy', policy, policies)
  const wish = { onUnmetPin: 'standIn', ...(policy === undefined ? {} : { policy }) } as const
  if (simulate === undefined) return knowledge.plan({ ...wish, refusals: where.refusals })
  checkName('simulate', simulate, SIMULATED_MACHINES)
  const machine = { ...config.simulate, machine: simulate as SimulatedMachineId }
  const survey = await surveyMachine({ ...where, config: { ...config, simulate: machine } })
  return new Knowledge(survey).plan(wish)
}

function checkName(param: string, name: string, known: readonly string[]): void {
  if (known.includes(name)) return
  const [nearest] = nearestNames(name, known)
  const what = `${param}: there is no "${name}"${nearest ? `; did you mean ${nearest}?` : ''}; allowed: ${known.join(', ')}`
  throw new TandemError('INVALID_REQUEST', { what }, { param })
}
