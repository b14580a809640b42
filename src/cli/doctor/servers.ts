import type { Config } from '../../config/index.ts'
import type { ServerModel } from '../../domain/index.ts'
import { configuredOvms, discoverServers, type FoundServer } from '../../engines/index.ts'
import { plainName } from '../../models/index.ts'
import { type Check, ok, warn } from './check.ts'

/** Names that fit a line; the rest is counted. */
const MOST_NAMES = 4

/**
 * Adopted servers: those of the configuration, and those that are found; one that is away is no failure, it may come.
 * @returns with the names that `models.TASK` may have of their models
 */
export async function checkServers(
  config: Config,
  {
    home,
    env,
    signal,
  }: { readonly home: string; readonly env: NodeJS.ProcessEnv; readonly signal: AbortSignal },
): Promise<{ readonly checks: readonly Check[]; readonly names: readonly string[] }> {
  const { servers: others, warnings } = await discoverServers(config, { env, signal })
  const own = await configuredOvms(config, { home, env })
  const servers = [...own.servers, ...others]
  const checks = servers.filter(({ answered }) => answered).map(found)
  const away = [
    ...own.warnings.map((warning) => warn('ovms', 'ovms', warning, 'docs/ovms.md says what it needs')),
    ...warnings.map((warning) =>
      warn('servers', 'server', warning, 'start it, or correct `servers` in tandem.yaml'),
    ),
  ]
  const names = servers.flatMap(({ name, models }) =>
    models.map((model) => plainName(model.name)).flatMap((plain) => [plain, `${name}/${plain}`]),
  )
  return { checks: [...checks, ...away], names }
}

function found({ name, kind, url, version, models, manage, launch }: FoundServer): Check {
  const software = version === undefined ? kind : `${kind} ${version}`
  const where = launch ? `${software}, started when the plan wants it` : `${software} at ${url}`
  const managed = manage ? '; Tandem may load and unload them' : ''
  return ok(`server:${name}`, `server ${name}`, `${where}: ${listed(models)}${managed}`)
}

/** `qwen2.5-coder:7b (chat, loaded), all-minilm (embed) and 3 more` */
function listed(models: readonly ServerModel[]): string {
  const names = models
    .slice(0, MOST_NAMES)
    .map(({ name, tasks, loaded }) => `${name} (${tasks.join(', ')}${loaded ? ', loaded' : ''})`)
  const rest = models.length - names.length
  return rest > 0 ? `${names.join(', ')} and ${rest} more` : names.join(', ')
}
