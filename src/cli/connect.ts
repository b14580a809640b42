import type { Config } from '../config/index.ts'
import type { Plan, Task } from '../domain/index.ts'
import { TandemClient } from './client/client.ts'
import type { PlanDocument } from './client/documents.ts'
import { findServer } from './client/find-server.ts'
import type { CommandContext } from './command.ts'
import type { RunningServer, ServeOptions } from './host.ts'
import { abortable } from './interrupt.ts'
import { checkPlaced, type Placed, servesPlaced, withPlaced } from './placed.ts'

/** Milliseconds: what running requests get, and when everything is killed whatever it does. */
const DRAIN_MS = 1200
const STOP_LIMIT_MS = 1800

/** Milliseconds above the queue's own limit, so that the server's reason arrives before ours. */
const ABOVE_QUEUE_MS = 10_000

/** Of a server that lives as long as its command: nobody else is to find it. */
const OWN_ADDRESS = { host: '127.0.0.1', port: 0, alsoListen: [], compat: {} }

export interface Connection {
  readonly client: TandemClient
  /** Whether the server runs on its own and stays after this command. */
  readonly running: boolean
  /** Ends a server that was started for this command. */
  readonly close: () => Promise<void>
}

/** What a command wants that a running server may not do. */
export interface Special {
  /** The engine and device of a task. */
  readonly placed?: Placed
  /** Another configuration: a server of its own is started with it. */
  readonly change?: (config: Config) => Config
  /** A server of its own with this command's settings, whatever runs; placements are as they would be there. */
  readonly alone?: boolean
  /** With `alone`: the plan of the server that runs; the memory that it has taken counts as free. */
  readonly beside?: PlanDocument
  /** See `ServeOptions`. */
  readonly anyPlan?: boolean
}

/**
 * A client of the server that runs in this home, else of one that lives as long as the command.
 * @param tasks what the command needs workers for
 * @param special what it insists on: a running server that does otherwise is left alone
 */
export async function connect(
  context: CommandContext,
  tasks: readonly Task[],
  { placed, change, alone = false, beside, anyPlan = false }: Special = {},
): Promise<Connection> {
  const { signal, home, io } = context
  const { config: given } = context.settings()
  const changed = change ? change(given) : given
  const config = placed ? withPlaced(changed, placed) : changed
  const found = await findServer(home, signal)
  if (found) {
    const client = clientFor(context, found.url)
    const fits =
      !change && !alone && (!placed || servesPlaced(await client.plan(), await client.status(), placed))
    if (fits) {
      if (found.simulated)
        context.say(`the server at ${found.url} simulates ${found.simulated}: nothing real answers`)
      return { client, running: true, close: async () => undefined }
    }
  } else if (io.stderr.isTTY && tasks.length > 0)
    context.say('no server is running; starting one for this command (`tandem serve` keeps one)')
  const server = await startServer(context, {
    config: { ...config, server: { ...config.server, ...OWN_ADDRESS } },
    home,
    tasks,
    exclusive: placed !== undefined || change !== undefined,
    anyPlan,
    ...(beside ? { beside: beside as Pick<Plan, 'tasks'> } : {}),
    signal,
    announce: false,
    openProjects: false,
  })
  const close = () => stopServer(server)
  const client = clientFor(context, server.url)
  try {
    if (placed) checkPlaced(await client.plan(), placed)
  } catch (thrown) {
    await close()
    throw thrown
  }
  return { client, running: false, close }
}

/** A client that has the configured key, and that Ctrl-C ends. */
export function clientFor(context: CommandContext, url: string): TandemClient {
  const { queue, server } = context.settings().config
  return new TandemClient({
    url,
    signal: context.signal,
    modelTimeoutMs: queue.maxWaitMs + ABOVE_QUEUE_MS,
    ...(server.apiKey === undefined ? {} : { apiKey: server.apiKey }),
  })
}

/** Runs a command's work on a connection and closes it, however the work ends. */
export async function withServer<T>(
  context: CommandContext,
  tasks: readonly Task[],
  work: (connection: Connection) => Promise<T>,
  special?: Special,
): Promise<T> {
  const connection = await connect(context, tasks, special)
  try {
    return await work(connection)
  } finally {
    await connection.close()
  }
}

/**
 * Starts a server and waits until it is ready; ends it again when that fails or the command is interrupted.
 * @param meanwhile what to do with the address while the models load
 */
export async function startServer(
  context: CommandContext,
  options: ServeOptions,
  meanwhile: (server: RunningServer) => Promise<void> = async () => undefined,
): Promise<RunningServer> {
  const { host, signal, onKill } = context
  const server = await host.startServer(options)
  for (const warning of server.warnings) context.say(warning)
  onKill(() => server.kill())
  try {
    await abortable(Promise.all([server.ready(), meanwhile(server)]), signal)
    return server
  } catch (thrown) {
    await stopServer(server)
    throw thrown
  }
}

/** Drains within the limit; past it everything is killed. */
export async function stopServer(server: RunningServer): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), STOP_LIMIT_MS)
  })
  const ended = await Promise.race([server.stop(DRAIN_MS), late])
  clearTimeout(timer)
  if (ended === 'late') server.kill()
}
