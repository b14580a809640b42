import { defineCommand } from '../command.ts'
import { withServer } from '../connect.ts'
import { jsonOption } from '../options.ts'
import { printable } from '../print/style.ts'
import { table } from '../print/table.ts'

export const status = defineCommand({
  name: 'status',
  summary: 'show the workers and projects',
  options: { json: jsonOption },
  examples: [
    { line: 'tandem status', does: 'what is running, and how far each index is' },
    { line: 'tandem status --json', does: 'the same as JSON' },
  ],
  run: (context, _args, { json }) =>
    withServer(context, [], async ({ client, running }) => {
      const document = await client.status()
      if (json) {
        context.json(document)
        return 0
      }
      const { print, style } = context
      print(
        running
          ? `${style.green('running')} at ${client.url}\n`
          : 'no server is running; start one with `tandem serve`\n',
      )
      if (document.workers.length > 0) {
        const rows = document.workers.map((w) => [
          w.task,
          w.model,
          w.engine,
          w.simulated ? `${w.device} (simulated)` : w.device,
          w.state,
          String(w.running),
          String(w.queued),
          String(w.threads ?? ''),
          String(w.pid ?? ''),
        ])
        print(
          `\n${table([['task', 'model', 'engine', 'device', 'state', 'running', 'queued', 'threads', 'pid'], ...rows])}`,
        )
        for (const { engine, device, state, error } of document.workers)
          if (error !== undefined) print(`${engine} on ${device} is ${state}: ${printable(error)}\n`)
        for (const [task, [first]] of Object.entries((await client.plan()).tasks)) {
          if (!first?.insteadOf) continue
          const { engine, device, reason } = first.insteadOf
          const asked = device === '' ? engine : `${engine} on ${device}`
          print(`${task} runs on ${first.device} instead of ${asked}: ${printable(reason)}\n`)
        }
      }
      if (document.projects.length === 0) {
        print('\nno project is indexed; index one with `tandem index PATH`\n')
        return 0
      }
      const rows = document.projects.map((p) => [
        p.name,
        running ? p.state : `${p.state} when last open`,
        String(p.files),
        String(p.chunks),
        p.error ?? p.path,
      ])
      print(`\n${table([['project', 'state', 'files', 'chunks', 'path'], ...rows])}`)
      return 0
    }),
})
