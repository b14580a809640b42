import { join } from 'node:path'
import { ENGINES } from '../../engines/index.ts'
import { KNOWN_MODELS, type Pulled, type PullOutcome, pulledModels } from '../../models/index.ts'
import type { CommandContext } from '../command.ts'
import { UsageError } from '../failure.ts'
import { printable } from '../print/style.ts'
import { bytes, table } from '../print/table.ts'

/**
 * Prints what a pull did or would do.
 * @returns the exit code
 * @throws UsageError when a person must choose the weights
 */
export function reportPull(context: CommandContext, outcome: PullOutcome, json: boolean): number {
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
  const unserved = unservedTasks(outcome)
  if (unserved) context.say(`warning: ${unserved}`)
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
  if (use && !unserved) print(`${use}\n`)
  return 0
}

/** What no engine of this version does with the model. */
function unservedTasks({ tasks = [], format }: Pulled): string | undefined {
  const reads = ENGINES.filter((engine) => engine.formats.includes(format))
  const unserved = tasks.filter((task) => !reads.some((engine) => engine.tasks.includes(task)))
  return unserved.length > 0
    ? `no engine of this version serves ${unserved.join(', ')} from ${format} files`
    : undefined
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
  const [task] = tasks
  return (
    task &&
    `requests that name it get it; where none is named, by tandem.yaml, then start Tandem again:\nmodels:\n  ${task}: ${id}`
  )
}

/** `tandem pull --list` */
export async function showKnown(context: CommandContext, json: boolean): Promise<number> {
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
