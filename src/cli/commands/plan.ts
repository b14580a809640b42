import { comparePlans } from '../../placement/index.ts'
import type { PlanDocument } from '../client/documents.ts'
import { findServer } from '../client/find-server.ts'
import { type CommandContext, defineCommand } from '../command.ts'
import { clientFor, withServer } from '../connect.ts'
import { CommandError } from '../failure.ts'
import { flag, jsonOption, setting } from '../options.ts'
import { differenceText, planText } from '../print/plan.ts'

export const plan = defineCommand({
  name: 'plan',
  summary: 'show what runs where, why, and what was rejected',
  description:
    'Shows the plan of the running server; with --policy or --simulate, or where none runs, the one that would be made.',
  options: {
    policy: setting('placement.policy', '<name>'),
    simulate: setting('simulate.machine', '<profile>'),
    diff: flag('what would change of the running plan'),
    json: jsonOption,
  },
  examples: [
    { line: 'tandem plan', does: 'the placements of each task with their reasons' },
    { line: 'tandem plan --policy economy --diff', does: 'what another policy would move, and why' },
    { line: 'tandem plan --json', does: 'the same as JSON' },
  ],
  run: async (context, _args, { json, diff, policy, simulate }) => {
    const { print, style } = context
    const other = { policy, simulate }
    if (diff) {
      const running = await runningPlan(context)
      const compared = await planned(context, other, running)
      const differences = comparePlans(running, compared)
      if (json) context.json({ running: running.policy, policy: compared.policy, differences })
      else print(differenceText(differences, style))
      return 0
    }
    const document = await planned(context, other)
    if (json) context.json(document)
    else print(planText(document, style))
    return 0
  },
})

interface Other {
  readonly policy: string | undefined
  readonly simulate: string | undefined
}

/**
 * The plan of the running server, or what it would be by another policy or machine; without one that of a server of this command.
 * @param beside plan of the running server, which the plan by the present configuration is to be compared with
 */
function planned(context: CommandContext, other: Other, beside?: PlanDocument): Promise<PlanDocument> {
  const isOther = other.policy !== undefined || other.simulate !== undefined
  // the running server knows what its models have taken of the memory; only another configuration is unknown to it
  const special = beside && !isOther ? { alone: true, beside } : {}
  return withServer(
    context,
    [],
    ({ client, running }) => client.plan(running && isOther ? other : {}),
    special,
  )
}

/** @throws CommandError when no server runs */
async function runningPlan(context: CommandContext): Promise<PlanDocument> {
  const found = await findServer(context.home, context.signal)
  if (found) return clientFor(context, found.url).plan()
  throw new CommandError(
    'no server runs, so there is no plan to compare with',
    '`tandem serve` starts one; without --diff the plan that would be made is shown',
  )
}
