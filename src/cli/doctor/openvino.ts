import { type IntelFacts, readIntelFacts } from '../../devices/index.ts'
import {
  findOpenVino,
  fullName,
  type OpenVinoProbe,
  type OpenVinoSearch,
  probeOpenVino,
} from '../../engines/openvino/installation/index.ts'
import { type Check, failed, ok, warn } from './check.ts'
import { intelChecks } from './intel.ts'

const TITLE = 'OpenVINO'
const INSTALL = '`tandem setup openvino` installs it; without it models run on the CPU by other engines'

interface Options {
  readonly home: string
  /** `openvino.folder` */
  readonly configured: string | undefined
  readonly env: NodeJS.ProcessEnv
  readonly signal: AbortSignal
}

/** Which OpenVINO is used, what it sees, and what Intel's GPUs and NPU lack. */
export async function checkOpenVino({ home, configured, env, signal }: Options): Promise<Check[]> {
  const found = configured === undefined ? {} : { configured }
  const search = await findOpenVino({ home, env, signal, ...found })
  const probe = search.installation ? await probeOpenVino(search.installation, env, signal) : undefined
  const loaded = probe?.state === 'loaded' ? probe.loaded : undefined
  const facts = await readIntelFacts(env, signal)
  return [...searchChecks(search, probe, mayHaveIntel(facts)), ...intelChecks(facts, loaded)]
}

/** Where the system does not tell, it may. */
function mayHaveIntel(facts: IntelFacts): boolean {
  return !('accelerators' in facts) || facts.accelerators.length > 0
}

/**
 * The lines about the installation itself.
 * @param accelerators whether this machine has an Intel GPU or NPU: a plugin that does not load matters only then
 */
export function searchChecks(
  { installation, candidates }: OpenVinoSearch,
  probe: OpenVinoProbe | undefined,
  accelerators = true,
): Check[] {
  const passedOver = candidates
    .filter(({ source, folder }) => source !== 'system' && folder !== undefined)
    .map(({ by, why }, at) =>
      warn(`openvino:passed-over${at}`, TITLE, `${by}: ${why}`, 'correct it, or take it away'),
    )
  if (!installation) {
    const [configured] = candidates.filter(({ source }) => source === 'config')
    if (configured)
      return [failed('openvino', TITLE, `openvino.folder: ${configured.why}`, 'correct it, or remove it')]
    return [warn('openvino', TITLE, 'none was found', INSTALL), ...passedOver]
  }
  const { version, by, library } = installation
  const told = probe?.state === 'loaded' ? probe.loaded.version : version
  const what = `${told ?? 'of an unknown version'} from ${by} (${library})`
  if (probe?.state === 'failed') {
    const advice =
      installation.source === 'home'
        ? 'this system may be too old for it; name another one with openvino.folder'
        : '`tandem setup openvino --install` installs one that is known to work'
    return [warn('openvino', TITLE, `${what} does not load: ${probe.why}`, advice), ...passedOver]
  }
  if (probe?.state !== 'loaded') return [ok('openvino', TITLE, what), ...passedOver]
  const { devices, problems } = probe.loaded
  const seen = devices.map((device) => [device.name, fullName(device)].filter(Boolean).join(': ')).join(', ')
  const missing = devices.length === 0
  return [
    missing
      ? warn(
          'openvino',
          TITLE,
          `${what} sees no device`,
          '`tandem setup openvino --install` installs it anew',
        )
      : ok('openvino', TITLE, `${what} sees ${seen}`),
    ...problems.map((problem, at) =>
      accelerators
        ? warn(`openvino:problem${at}`, TITLE, problem, 'see the lines about Intel GPU and NPU below')
        : ok(`openvino:problem${at}`, TITLE, `${problem} (not needed: this machine has no such device)`),
    ),
    ...passedOver,
  ]
}
