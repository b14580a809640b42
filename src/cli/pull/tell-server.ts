import type { PullOutcome } from '../../models/index.ts'
import { announcedServer, healthOf } from '../client/find-server.ts'
import type { CommandContext } from '../command.ts'
import { clientFor } from '../connect.ts'

/**
 * Has the server that runs in this home serve what was pulled, and says whether it does. A server that cannot be asked is no failure of
 * the pull.
 */
export async function tellServer(context: CommandContext, outcome: PullOutcome): Promise<void> {
  if (outcome.state !== 'pulled' && outcome.state !== 'present') return
  const server = await announcedServer(context.home)
  if (!server) return
  const { url } = server
  if ((await healthOf(url, context.signal)) === 'none') return // its pid is another program's now
  try {
    const served = await clientFor(context, url).refreshModels()
    context.say(
      served.includes(outcome.id)
        ? `the server at ${url} serves it`
        : `warning: the server at ${url} does not serve it; \`tandem plan\` says why`,
    )
  } catch (thrown) {
    context.signal.throwIfAborted()
    const why = thrown instanceof Error ? thrown.message : String(thrown)
    context.say(
      `warning: the server at ${url} does not know of it yet (${why}); start that again, or POST ${url}/tandem/v1/models/refresh`,
    )
  }
}
