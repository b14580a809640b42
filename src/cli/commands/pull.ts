import { join } from 'node:path'
import {
  KNOWN_MODELS,
  type Pulled,
  type PullOutcome,
  pulledModels,
  pullModel,
  type WeightFormat,
} from '../../models/index.ts'
import { type CommandContext, defineCommand } from '../command.ts'
import { UsageError } from '../failure.ts'
import { flag, jsonOption, type OptionSpec, setting, text } from '../options.ts'
import { printable } from '../print/style.ts'
import { bytes, table } from '../print/table.ts'
import { ProgressLine } from '../progress.ts'
import { PullProgress } from '../pull-progress.ts'

const FORMATS = ['onnx', 'openvino-ir', 'gguf'] as const

const formatOption: OptionSpec<WeightFormat | undefined> = {
  arg: '<format>',
  help: `which form of the model: ${FORMATS.join(', ')}; without it the first that the repository has`,
  default: undefined,
  parse: (given) => {
    const format = FORMATS.find((each) => each === given)
    if (!format) throw new UsageError(`"${given}" is no format; allowed: ${FORMATS.join(', ')}`)
    return format
  },
}

export const pull = defineCommand({
  name: 'pull',
  summary: 'fetch a model from a model hub',
  description:
    'NAME is a known model (--list) or any OWNER/NAME, with @REVISION where it is not the main one. Files are verified by hash and kept in TANDEM_HOME/models. Ctrl-C keeps what was fetched: the same command goes on from there. A token for gated models comes from hub.token or the variable HF_TOKEN.',
  args: [{ name: 'name', help: 'known model, or OWNER/NAME[@REVISION]' }],
  options: {
    format: formatOption,
    file: text(
      '<pattern>',
      'which weights: a quantization (q5_k_m), a part of a file name, or a pattern with *',
    ),
    list: flag('show the known models and end'),
    dryRun: flag('show what would be fetched, and fetch nothing'),
    hub: setting('hub.url', '<url>'),
    json: jsonOption,
  },
  examples: [
    { line: 'tandem pull --list', does: 'the known models' },
    { line: 'tandem pull bge-small', does: 'one of them' },
    { line: 'tandem pull qwen2.5-coder-7b --file q5_k_m', does: 'another quantization' },
    { line: 'tandem pull intfloat/e5-base-v2 --dry-run', does: 'what any other repository would bring' },
  ],
  run: async (context, [name], { format, file, list, dryRun, json }) => {
    if (list) return showKnown(context, json)
    if (name === undefined) throw new UsageError('name a model', '`tandem pull --list` shows the known ones')
    const { config } = context.settings()
    const token = config.hub.token ?? (context.io.env['HF_TOKEN'] || undefined)
    const line = new ProgressLine(context.io.stderr)
    const progress = new PullProgress(name)
    const say = (message: string): void => {
      line.clear()
      context.say(message)
    }
    try {
      const outcome = await pullModel({
        name,
        ...(format ? { format } : {}),
        ...(file === undefined ? {} : { file }),
        dryRun,
        home: context.home,
        hub: { url: config.hub.url, ...(token === undefined ? {} : { token }) },
        env: context.io.env,
        signal: context.signal,
        say,
        onProgress: (state) => line.show((width) => progress.textOf(state, performance.now() / 1000, width)),
      })
      line.clear()
      return report(context, outcome, json)
    } catch (thrown) {
      if (context.signal.aborted)
        say('stopped; what was fetched is kept, the same command goes on from there')
      throw thrown
    } finally {
      line.clear()
    }
  },
})

function report(context: CommandContext, outcome: PullOutcome, json: boolean): number {
  if (outcome.state === 'ambiguous') {
    if (json) context.json(outcome)
    const lines = outcome.candidates.map(({ label, files, sizeBytes }) => [
      label,
      bytes(sizeBytes),
      files.join(' '),
    ])
    context.io.stderr.write(table(lines, '  '))
    throw new UsageError(
      `${outcome.repository}: ${outcome.why}; name the weights with --file`,
      'the candidates are listed above',
    )
  }
  sayChoice(context, outcome)
  for (const warning of outcome.warnings) context.say(`warning: ${warning}`)
  if (json) {
    context.json(outcome)
    return 0
  }
  const { style, print } = context
  const { state, id, repository, revision, totalBytes, fetchedBytes, folder, license } = outcome
  const where = `${repository} at ${revision.slice(0, 12)}, license ${license}`
  if (state === 'planned') {
    print(`${style.yellow('would fetch')} ${printable(`${id} (${where})`)}: ${bytes(totalBytes)}\n`)
    print(
      table(
        outcome.files.map(({ path, sizeBytes }) => [path, bytes(sizeBytes)]),
        '  ',
      ),
    )
    print(`into ${printable(folder)}\n`)
    return 0
  }
  const verb = state === 'present' ? 'is there already' : `${bytes(fetchedBytes)} fetched and verified`
  print(
    `${style.green(state === 'present' ? 'present' : 'pulled')} ${printable(`${id} (${where})`)}: ${verb}\n`,
  )
  print(`in ${printable(folder)}\n`)
  const use = usage(outcome)
  if (use) print(`${use}\n`)
  return 0
}

/** What was chosen without being asked for, and what else there is. */
function sayChoice(context: CommandContext, { weights, others, otherFormats, format }: Pulled): void {
  if (others.length > 0) {
    const rest = others.map(({ label, sizeBytes }) => `${label} (${bytes(sizeBytes)})`)
    const shown = rest.length > 8 ? [...rest.slice(0, 8), `${rest.length - 8} more`] : rest
    context.say(`${format}: ${weights}; also there, by --file: ${shown.join(', ')}`)
  }
  if (otherFormats.length > 0) context.say(`also there, by --format: ${otherFormats.join(', ')}`)
}

function usage({ tasks = [], id }: Pulled): string | undefined {
  const task = tasks.find((each) => each === 'chat' || each === 'embed')
  return task && `use it by tandem.yaml, then start Tandem again:\nmodels:\n  ${task}: ${id}`
}

async function showKnown(context: CommandContext, json: boolean): Promise<number> {
  const there = new Set(await pulledModels(context.home))
  const models = KNOWN_MODELS.map(({ id, title, tasks, parameters, license, devices, sources }) => {
    const formats = [...new Set(sources.map(({ format }) => format))]
    const repository = sources[0]!.repository
    return { id, title, tasks, parameters, license, devices, formats, repository, pulled: there.has(id) }
  })
  if (json) {
    context.json({ folder: join(context.home, 'models'), models })
    return 0
  }
  const rows = models.map((each) => [
    each.id,
    each.tasks.join(', '),
    count(each.parameters),
    each.license,
    each.devices.join(' '),
    each.formats.join(' '),
    each.pulled ? 'here' : '',
    each.repository,
  ])
  context.print(
    table([['model', 'task', 'parameters', 'license', 'suits', 'formats', '', 'repository'], ...rows]),
  )
  return 0
}

/** `33 M`, `1.5 B` */
function count(parameters: number): string {
  return parameters < 1e9 ? `${Math.round(parameters / 1e6)} M` : `${Math.round(parameters / 1e8) / 10} B`
}
