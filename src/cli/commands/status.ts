import { setTimeout as sleep } from 'node:timers/promises'
import type { TandemClient } from '../client/client.ts'
import type { StatusDocument } from '../client/documents.ts'
import { type CommandContext, defineCommand } from '../command.ts'
import { type Connection, withServer } from '../connect.ts'
import { CommandError } from '../failure.ts'
import { flag, jsonOption } from '../options.ts'
import { eventsText, projectsText, workersText } from '../print/status.ts'
import { printable } from '../print/style.ts'
import { Screen } from '../screen.ts'

/** Milliseconds between two looks of `--watch`. */
const WATCH_MS = 1_000

export const status = defineCommand({
  name: 'status',
  summary: 'show the workers and projects',
  description:
    'Shows each worker with its state, why it does not answer or when it was last lost, what is indexed, and the last events: fallbacks, retries, losses, loads.',
  options: {
    watch: flag('show it anew each second until Ctrl-C; with --json one document per line'),
    json: jsonOption,
  },
  examples: [
    { line: 'tandem status', does: 'what is running, and how far each index is' },
    { line: 'tandem status --watch', does: 'the same, live' },
    { line: 'tandem status --json', does: 'the same as JSON' },
  ],
  run: (context, _args, { json, watch: live }) =>
    withServer(context, [], async (connection) => {
      if (live) return watch(context, connection, json)
      const document = await connection.client.status()
      if (json) context.json(document)
      else context.print(await statusText(context, connection, document))
      return 0
    }),
})

/** @returns 0: Ctrl-C is how it ends */
async function watch(context: CommandContext, connection: Connection, json: boolean): Promise<number> {
  const { client, running } = connection
  const { io, signal } = context
  if (!running) throw new CommandError('no server is running', 'start one with `tandem serve`')
  const screen = new Screen(io.stdout)
  try {
    while (!signal.aborted) {
      const document = await client.status()
      if (json) io.stdout.write(`${JSON.stringify(document)}\n`)
      else screen.show(await statusText(context, connection, document))
      await sleep(WATCH_MS, undefined, { signal })
    }
  } catch (thrown) {
    if (!signal.aborted) throw thrown
  }
  return 0
}

async function statusText(
  { style }: CommandContext,
  { client, running }: Connection,
  { workers, projects, events = [] }: StatusDocument,
): Promise<string> {
  const parts = [
    running
      ? `${style.green('running')} at ${client.url}\n`
      : 'no server is running; start one with `tandem serve`\n',
    `${workersText(workers, Date.now())}${workers.length > 0 ? await standIns(client) : ''}`,
    projectsText(projects, running),
    eventsText(events, style),
  ]
  return parts.filter((part) => part !== '').join('\n')
}

/** Sentences: tasks that run elsewhere than was asked for. */
async function standIns(client: TandemClient): Promise<string> {
  const { tasks } = await client.plan()
  return Object.entries(tasks)
    .flatMap(([task, [first]]) => {
      if (!first?.insteadOf) return []
      const { engine, device, reason } = first.insteadOf
      const asked = device === '' ? engine : `${engine} on ${device}`
      return [`${task} runs on ${first.device} instead of ${asked}: ${printable(reason)}\n`]
    })
    .join('')
}
