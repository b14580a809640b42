import {
  findOpenVino,
  fullName,
  type InstallProgress,
  installOpenVino,
  type OpenVinoCandidate,
  type OpenVinoInstallation,
  type OpenVinoProbe,
  PINNED,
  probeOpenVino,
} from '../../../engines/openvino/installation/index.ts'
import { type CommandContext, defineCommand } from '../../command.ts'
import { CommandError } from '../../failure.ts'
import { flag, jsonOption } from '../../options.ts'
import { table } from '../../print/table.ts'
import { ProgressLine } from '../../progress.ts'
import { progressText } from './progress.ts'

export const openvino = defineCommand({
  name: 'openvino',
  summary: 'find OpenVINO or install it, and list the devices that it sees',
  description:
    'Looks in openvino.folder, TANDEM_HOME, INTEL_OPENVINO_DIR, OpenVINO_DIR, Python environments and the library folders of the system. Where there is none it installs the pinned version into TANDEM_HOME: pip downloads the wheel, its hash is checked, and no Python is needed afterwards.',
  options: {
    install: flag('install the pinned version into TANDEM_HOME even if one is found elsewhere'),
    json: jsonOption,
  },
  examples: [
    { line: 'tandem setup openvino', does: 'says which OpenVINO is used and what it sees' },
    { line: 'tandem setup openvino --install', does: "Tandem's own, whatever else is here" },
  ],
  run: async (context, _args, { install, json }) => {
    const { installation, candidates, installed } = await foundOrInstalled(context, install)
    const probe = await probeOpenVino(installation, context.io.env, context.signal)
    if (json) context.json({ ...installation, installed, passedOver: candidates, probe })
    else print(context, installation, candidates, probe)
    return probe.state === 'failed' ? 1 : 0
  },
})

interface Found {
  readonly installation: OpenVinoInstallation
  readonly candidates: readonly OpenVinoCandidate[]
  /** Whether this command installed it. */
  readonly installed: boolean
}

async function foundOrInstalled(context: CommandContext, install: boolean): Promise<Found> {
  const { home, signal, io } = context
  const { folder: configured } = context.settings().config.openvino
  if (configured !== undefined && install)
    throw new CommandError(
      `openvino.folder names ${configured}; what is installed into TANDEM_HOME would not be used`,
      'remove openvino.folder from the configuration first',
    )
  const { installation, candidates } = await findOpenVino({
    home,
    env: io.env,
    signal,
    ...(configured === undefined ? {} : { configured }),
  })
  if (installation && (!install || isPinned(installation)))
    return { installation, candidates, installed: false }
  if (configured !== undefined)
    throw new CommandError(
      `openvino.folder is ${configured}: ${candidates[0]?.why}`,
      'correct it, or remove it to let Tandem look itself',
    )
  context.say(installation ? 'installing OpenVINO ...' : 'no OpenVINO was found; installing it ...')
  const line = new ProgressLine(io.stderr)
  try {
    const onProgress = (progress: InstallProgress) =>
      line.show((width) => progressText('OpenVINO', progress, width))
    return {
      installation: await installOpenVino({ home, env: io.env, signal, onProgress }),
      candidates,
      installed: true,
    }
  } finally {
    line.clear()
  }
}

function isPinned({ source, version }: OpenVinoInstallation): boolean {
  return source === 'home' && version === PINNED.version
}

function print(
  context: CommandContext,
  installation: OpenVinoInstallation,
  candidates: readonly OpenVinoCandidate[],
  probe: OpenVinoProbe,
): void {
  const { version, by, library } = installation
  context.print(`OpenVINO ${version ?? '(version not told by its files)'}, from ${by}\n`)
  context.print(`${library}\n`)
  for (const candidate of candidates.filter((each) => each.folder !== undefined && each.source !== 'system'))
    context.say(`passed over ${candidate.by}: ${candidate.why}`)
  if (probe.state === 'failed') {
    context.say(`it does not load: ${probe.why}`)
    return
  }
  const { devices, problems } = probe.loaded
  context.print(
    `\n${table([['device', 'name'], ...devices.map((device) => [device.name, fullName(device)])])}`,
  )
  for (const problem of problems) context.say(problem)
}
