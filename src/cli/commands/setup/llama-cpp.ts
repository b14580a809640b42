import { resolve } from 'node:path'
import {
  BACKENDS,
  type Backend,
  findsGpu,
  type InstallOutcome,
  installLlamaCpp,
} from '../../../engines/openai/managed/install/index.ts'
import { type CommandContext, defineCommand } from '../../command.ts'
import { UsageError } from '../../failure.ts'
import { flag, jsonOption, type OptionSpec, setting, text } from '../../options.ts'
import { printable } from '../../print/style.ts'
import { bytes, table } from '../../print/table.ts'
import { ProgressLine } from '../../progress.ts'
import { progressText } from './progress.ts'

const backendOption: OptionSpec<Backend | undefined> = {
  arg: '<backend>',
  help: `what it computes with besides the CPU: ${BACKENDS.join(', ')}; default: vulkan where llama.cpp finds a GPU, else cpu; metal on Apple silicon`,
  default: undefined,
  parse: (given) => {
    const backend = BACKENDS.find((each) => each === given)
    if (!backend) throw new UsageError(`"${given}" is no backend; allowed: ${BACKENDS.join(', ')}`)
    return backend
  },
}

export const llamaCpp = defineCommand({
  name: 'llama.cpp',
  summary: 'install a llama-server that Tandem can start, and list the devices that it sees',
  description:
    'Takes a release build of llama.cpp for this machine, checks its SHA-256 against the list of releases, runs it once and keeps it in TANDEM_HOME/engines/llama.cpp/RELEASE-BACKEND. A build that is there is not fetched again. Ctrl-C keeps what was fetched: the same command goes on from there.',
  options: {
    backend: backendOption,
    release: text('<tag>', 'this release, or `latest`; default: the one that is there, else the newest'),
    archive: text('<file>', 'install from a release build that was fetched by hand; no network is needed'),
    sha256: text('<hex>', 'SHA-256 of the build, where the list of releases does not tell it'),
    dryRun: flag('show what would be fetched, and fetch nothing'),
    releases: setting('setup.llamaCppReleases', '<url>'),
    json: jsonOption,
  },
  examples: [
    { line: 'tandem setup llama.cpp', does: 'the build that fits this machine' },
    { line: 'tandem setup llama.cpp --backend sycl --release latest', does: 'the newest one for SYCL' },
    {
      line: 'tandem setup llama.cpp --archive llama-b6869-bin-ubuntu-x64.tar.gz',
      does: 'from a file, without a network',
    },
  ],
  run: async (context, _args, { backend, release, archive, sha256, dryRun, json }) => {
    const { home, signal, io } = context
    const line = new ProgressLine(io.stderr)
    const say = (message: string): void => {
      line.clear()
      context.say(message)
    }
    try {
      const outcome = await installLlamaCpp({
        home,
        env: io.env,
        signal,
        releasesUrl: context.settings().config.setup.llamaCppReleases,
        ...(backend ? { backend } : {}),
        ...(release === undefined ? {} : { release }),
        ...(archive === undefined ? {} : { archive: resolve(io.cwd, archive) }),
        ...(sha256 === undefined ? {} : { sha256: sha256.toLowerCase() }),
        dryRun,
        hasGpu: () => findsGpu(signal),
        onProgress: (progress) => line.show((width) => progressText('llama.cpp', progress, width)),
        say,
      })
      line.clear()
      if (json) context.json(outcome)
      else print(context, outcome)
      for (const warning of outcome.warnings) say(`warning: ${warning}`)
      return 0
    } catch (thrown) {
      if (signal.aborted) say('stopped; what was fetched is kept, the same command goes on from there')
      throw thrown
    } finally {
      line.clear()
    }
  },
})

const STATES = {
  installed: 'installed',
  present: 'is there already',
  planned: 'would be fetched',
} as const

function print({ print: write }: CommandContext, outcome: InstallOutcome): void {
  const { state, release, backend, archive, url, sizeBytes, folder, binary, version, devices } = outcome
  write(`llama.cpp ${release} for ${backend}: ${STATES[state]}\n`)
  if (state === 'planned' && archive !== undefined && sizeBytes !== undefined)
    write(
      `${printable(archive)}, ${bytes(sizeBytes)}${url === undefined ? '' : `, from ${printable(url)}`}\n`,
    )
  write(`${binary ?? `into ${folder}`}\n`)
  if (version === undefined || devices === undefined) return
  write(`it says that it is ${printable(version)}\n`)
  const rows = devices.map(({ name, title, memoryBytes }) => [name, printable(title), bytes(memoryBytes)])
  write(`\n${table([['device', 'name', 'memory'], ...rows, ['CPU', '', '']])}`)
}
