import { bannerText } from '../banner.ts'
import type { TandemClient } from '../client/client.ts'
import { type CommandContext, defineCommand } from '../command.ts'
import { clientFor, startServer, stopServer } from '../connect.ts'
import { describeFailure } from '../failure.ts'
import type { RunningServer } from '../host.ts'
import { jsonOption, list, setting } from '../options.ts'
import { counted } from '../print/table.ts'
import { followProject, ProgressLine } from '../progress.ts'
import { existingFolder } from './index-project.ts'

export const serve = defineCommand({
  name: 'serve',
  summary: 'start the server, until Ctrl-C',
  description:
    'Listens on this machine only, unless server.host and server.apiKey say otherwise. Ctrl-C ends it and every model process within two seconds (exit code 0); a second Ctrl-C kills them at once.',
  options: {
    port: setting('server.port', '<n>'),
    host: setting('server.host', '<address>'),
    alsoListen: setting('server.alsoListen', '<ports>'),
    heteroConfig: setting('openvino.hetero', '<file>'),
    project: list('<path>', 'index this folder as a project'),
    simulate: setting('simulate.machine', '<profile>'),
    logLevel: setting('log.level', '<level>'),
    json: jsonOption,
  },
  examples: [
    { line: 'tandem serve --project .', does: 'serve, and index the current folder; `npm start` in a clone' },
    { line: 'tandem serve --port 9000 --log-level info', does: 'another port, and more messages' },
    {
      line: 'tandem serve --also-listen 1234,11434',
      does: 'also where clients of LM Studio and Ollama look, while those do not run',
    },
    {
      line: 'tandem serve --hetero-config hetero_config.json',
      does: 'encoders by OpenVINO on the devices that the file lists',
    },
    {
      line: 'tandem serve --simulate core-ultra-265k-b580',
      does: 'on the devices of a PC that you do not have; nothing real is touched',
    },
  ],
  run: async (context, _args, { project, json }) => {
    try {
      await serveFolders(context, project, json)
    } catch (thrown) {
      if (!context.signal.aborted || thrown !== context.signal.reason) throw thrown
    }
    return 0 // Ctrl-C is how a server ends, also while it starts
  },
})

async function serveFolders(
  context: CommandContext,
  project: readonly string[],
  json: boolean,
): Promise<void> {
  const folders = project.map((path) => existingFolder(context.io.cwd, path))
  const { config } = context.settings()
  const options = { config, home: context.home, signal: context.signal, announce: true, openProjects: true }
  let following: Promise<void> = Promise.resolve()
  const line = new ProgressLine(context.io.stderr)
  const server = await startServer(context, options, async (started) => {
    const client = clientFor(context, started.url)
    const names: string[] = []
    for (const folder of folders) names.push((await client.addProject(folder)).project.name)
    following = followAll(context, client, names, line)
  })
  try {
    await announceReady(context, server, json, line)
    await interrupted(context.signal)
  } finally {
    line.clear()
    if (context.io.stderr.isTTY) context.say('stopping ...')
    await stopServer(server)
    await following
  }
}

/** Follows one index after the other; a failed one is told and ends nothing. */
async function followAll(
  context: CommandContext,
  client: TandemClient,
  names: readonly string[],
  line: ProgressLine,
): Promise<void> {
  for (const name of names) {
    try {
      const { files, chunks, embedded } = await followProject(client, name, line, context.signal)
      const count = `${counted(files, 'file')}, ${counted(chunks, 'chunk')}`
      context.say(`${name} is indexed: ${count} (${embedded.toLocaleString('en-US')} new or changed)`)
    } catch (thrown) {
      if (context.signal.aborted) return
      context.say(describeFailure(thrown).message)
    }
  }
}

async function announceReady(
  context: CommandContext,
  { url, alsoAt }: RunningServer,
  json: boolean,
  line: ProgressLine,
): Promise<void> {
  const client = clientFor(context, url)
  const [plan, models, status] = await Promise.all([client.plan(), client.models(), client.status()])
  const { projects } = status
  if (json) {
    context.json({ url, alsoAt, pid: process.pid, home: context.home, tasks: plan.tasks, projects })
    return
  }
  const { config } = context.settings()
  const facts = {
    url,
    alsoAt,
    plan,
    models,
    projects,
    shippedChat: config.models.chat === undefined && !plan.simulated,
    needsKey: config.server.apiKey !== undefined,
    windows: process.platform === 'win32',
  }
  line.clear()
  context.print(bannerText(facts, context.style))
}

function interrupted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  // a pending promise does not keep the process alive, and nothing says that the server's handles do
  const alive = setInterval(() => undefined, 60_000)
  return new Promise((resolve) => {
    signal.addEventListener(
      'abort',
      () => {
        clearInterval(alive)
        resolve()
      },
      { once: true },
    )
  })
}
