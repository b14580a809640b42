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
    const running = await runningPlan(context)
    if (diff) {
      if (!running)
        throw new CommandError(
          'no server runs, so there is no plan to compare with',
          '`tandem serve` starts one; without --diff the plan that would be made is shown',
        )
      const other = await newPlan(context, running)
      const differences = comparePlans(running, other)
      if (json) context.json({ running: running.policy, policy: other.policy, differences })
      else print(differenceText(differences, style))
      return 0
    }
    const isOther = policy !== undefined || simulate !== undefined
    const document = running && !isOther ? running : await newPlan(context, running)
    if (json) context.json(document)
    else print(planText(document, style))
    return 0
  },
})

/** @param beside plan of the running server: memory that its models have taken counts as free */
function newPlan(context: CommandContext, beside: PlanDocument | undefined): Promise<PlanDocument> {
  const special = { alone: true, ...(beside ? { beside } : {}) }
  return withServer(context, [], ({ client }) => client.plan(), special)
}

async function runningPlan(context: CommandContext): Promise<PlanDocument | undefined> {
  const found = await findServer(context.home, context.signal)
  return found && clientFor(context, found.url).plan()
}
