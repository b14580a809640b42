import { defineCommand } from '../command.ts'
import { withServer } from '../connect.ts'
import { jsonOption } from '../options.ts'
import { table } from '../print/table.ts'

export const plan = defineCommand({
  name: 'plan',
  summary: 'show what runs where, why, and what was rejected',
  options: { json: jsonOption },
  examples: [
    { line: 'tandem plan', does: 'the placements of each task with their reasons' },
    { line: 'tandem plan --json', does: 'the same as JSON' },
  ],
  run: (context, _args, { json }) =>
    withServer(context, [], async ({ client }) => {
      const document = await client.plan()
      if (json) {
        context.json(document)
        return 0
      }
      const { print, style } = context
      print(`policy ${style.bold(document.policy)}${document.simulated ? ' (simulated devices)' : ''}\n`)
      for (const [task, placements] of Object.entries(document.tasks)) {
        print(`\n${style.bold(task)}\n`)
        for (const placement of placements) {
          print(table([[placement.role, placement.model, placement.engine, placement.device]], '  '))
          for (const reason of placement.reasons) print(`    ${style.dim(reason)}\n`)
        }
      }
      if (document.rejected.length > 0) {
        const rows = document.rejected.map((r) => [r.task, r.model, r.engine, r.device, r.reason])
        print(`\n${style.bold('rejected')}\n${table(rows, '  ')}`)
      }
      return 0
    }),
})
