import { defineCommand } from '../command.ts'
import { withServer } from '../connect.ts'
import { jsonOption } from '../options.ts'
import { table } from '../print/table.ts'

export const models = defineCommand({
  name: 'models',
  summary: 'list the models that a client may name',
  options: { json: jsonOption },
  examples: [
    { line: 'tandem models', does: 'each model, what it does and what it is' },
    { line: 'tandem models --json', does: "OpenAI's list, with Tandem's fields" },
  ],
  run: (context, _args, { json }) =>
    withServer(context, [], async ({ client }) => {
      const document = await client.models()
      if (json) {
        context.json(document)
        return 0
      }
      const rows = document.data
        .filter(({ tandem }) => tandem?.project === undefined) // MODEL@PROJECT is the same model
        .map(({ id, tandem = {} }) => [
          id,
          tandem.tasks?.join(', ') ?? '',
          String(tandem.contextTokens ?? ''),
          String(tandem.dimensions ?? ''),
          tandem.title ?? '',
          (tandem.servers ?? []).map(serverText).join(', '),
        ])
      const head = ['model', 'tasks', 'context', 'dimensions', 'what it is', 'servers that have it']
      const width = rows.some((row) => row.at(-1) !== '') ? head.length : head.length - 1
      context.print(table([head, ...rows].map((row) => row.slice(0, width))))
      return 0
    }),
})

/** `studio (loaded)` */
function serverText({
  name,
  loaded,
}: {
  readonly name: string
  readonly loaded?: boolean | undefined
}): string {
  return loaded === undefined ? name : `${name} (${loaded ? 'loaded' : 'not loaded'})`
}
