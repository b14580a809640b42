import { defineCommand } from '../command.ts'
import { withServer } from '../connect.ts'
import { jsonOption } from '../options.ts'
import { table } from '../print/table.ts'

const GIB = 1024 ** 3

export const devices = defineCommand({
  name: 'devices',
  summary: 'list the processors that can run models',
  options: { json: jsonOption },
  examples: [
    { line: 'tandem devices', does: 'each device, its memory and the engines that know it' },
    { line: 'tandem devices --json', does: 'the same as JSON' },
  ],
  run: (context, _args, { json }) =>
    withServer(context, [], async ({ client }) => {
      const document = await client.devices()
      if (json) {
        context.json(document)
        return 0
      }
      const rows = document.devices.map(({ id, kind, name, memoryBytes, engines, simulated }) => [
        id,
        simulated ? `${kind} (simulated)` : kind,
        name,
        memoryBytes === undefined ? '' : `${(memoryBytes / GIB).toFixed(1)} GiB`,
        Object.entries(engines)
          .map(([engine, known]) => `${engine}=${known}`)
          .join(' '),
      ])
      context.print(table([['device', 'kind', 'name', 'memory', 'engines'], ...rows]))
      return 0
    }),
})
