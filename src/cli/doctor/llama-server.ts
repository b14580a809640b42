import type { Config } from '../../config/index.ts'
import { type DiscoveredEngine, inspectLlamaServer } from '../../engines/index.ts'
import { type Check, ok, warn } from './check.ts'

const TITLE = 'llama-server'

interface Options {
  readonly config: Config
  readonly home: string
  readonly env: NodeJS.ProcessEnv
  readonly signal: AbortSignal
}

/** Which llama-server Tandem would start, and on what it runs. */
export async function checkLlamaServer(options: Options): Promise<Check[]> {
  if (!options.config.llamaServer.enabled) return []
  return llamaServerChecks(await inspectLlamaServer(options))
}

export function llamaServerChecks({ version, devices, problem, warnings }: DiscoveredEngine): Check[] {
  if (version === undefined)
    return problem === undefined
      ? [
          ok(
            'llama-server',
            TITLE,
            'none was found (not needed: llama.cpp comes with Tandem; `tandem setup llama.cpp` installs one)',
          ),
        ]
      : [warn('llama-server', TITLE, problem, ADVICE)]
  const seen = devices.map(({ name, title }) => `${name}: ${title}`).join(', ')
  return [
    ok('llama-server', TITLE, `${version} runs on ${seen}`),
    ...warnings.map((each, at) => warn(`llama-server:passed-over${at}`, TITLE, each, ADVICE)),
  ]
}

const ADVICE =
  '`tandem setup llama.cpp` installs one that runs here; `llamaServer.enabled: false` looks for none'
