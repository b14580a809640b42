import { Argument, Command, Help, InvalidArgumentError, Option } from 'commander'
import type { CommandGroup, CommandSpec } from './command.ts'
import { UsageError } from './failure.ts'
import { commonOptions, flagName, type OptionSpec, type OptionTable } from './options.ts'

/** What was asked for. */
export interface Invocation {
  readonly spec: CommandSpec
  readonly args: readonly string[]
  /** By the names of the command's table and the common one; defaults filled in. */
  readonly values: Readonly<Record<string, unknown>>
}

interface ProgramOptions {
  readonly commands: readonly (CommandSpec | CommandGroup)[]
  readonly version: string
  /** Columns of the help. */
  readonly width?: number
  readonly writeOut: (text: string) => void
  readonly writeErr: (text: string) => void
  readonly onCommand: (invocation: Invocation) => Promise<void>
}

/** The commander program of the tables; it throws `CommanderError` instead of ending the process. */
export function buildProgram(options: ProgramOptions): Command {
  const program = prepare(new Command('tandem'), options)
    .description('One local AI server for a PC that has several processors.')
    .version(options.version, '-V, --version', 'print the version')
    .usage('COMMAND [options]')
    .helpCommand('help [COMMAND]', 'help for a command')
  program.addHelpText('after', '\n`tandem COMMAND --help` explains a command and shows examples.')
  for (const entry of options.commands) addEntry(program, entry, options)
  return program
}

function prepare(command: Command, { width, writeOut, writeErr }: ProgramOptions): Command {
  return command
    .exitOverride()
    .showSuggestionAfterError(true)
    .helpOption('-h, --help', 'show this help')
    .configureHelp({
      helpWidth: width ?? 100,
      // `[options]` and aliases say nothing in the list of commands
      subcommandTerm: (sub) =>
        `${sub.name()} ${sub.registeredArguments.map((arg) => new Help().argumentTerm(arg)).join(' ')}`.trim(),
    })
    .configureOutput({ writeOut, writeErr, outputError: () => undefined }) // errors are printed in one place, run.ts
}

function addEntry(parent: Command, entry: CommandSpec | CommandGroup, options: ProgramOptions): void {
  const command = prepare(new Command(entry.name), options).summary(entry.summary)
  parent.addCommand(command)
  if ('commands' in entry) {
    command.description(sentence(entry.summary)).helpCommand(false)
    for (const sub of entry.commands) addEntry(command, sub, options)
    return
  }
  command.description([sentence(entry.summary), entry.description].filter(Boolean).join('\n\n'))
  for (const arg of entry.args ?? []) {
    const shape = `${arg.name}${arg.variadic ? '...' : ''}`
    command.addArgument(new Argument(arg.required ? `<${shape}>` : `[${shape}]`, arg.help))
  }
  const table: OptionTable = { ...entry.options, ...commonOptions }
  for (const [name, spec] of Object.entries(table)) command.addOption(toOption(name, spec))
  command.addHelpText('after', examplesText(entry))
  command.action(async () => {
    const given = command.opts<Record<string, unknown>>()
    const values = Object.fromEntries(
      Object.entries(table).map(([name, spec]) => [name, given[name] ?? spec.default]),
    )
    await options.onCommand({ spec: entry, args: command.args, values })
  })
}

function toOption(name: string, spec: OptionSpec<unknown>): Option {
  const shown = spec.shownDefault === undefined ? '' : ` (default: ${spec.shownDefault})`
  const option = new Option(`${flagName(name)}${spec.arg ? ` ${spec.arg}` : ''}`, `${spec.help}${shown}`)
  const { parse } = spec
  if (!parse) return option
  return option.argParser((text: string, previous: unknown) => {
    try {
      return parse(text, previous)
    } catch (thrown) {
      if (thrown instanceof UsageError) throw new InvalidArgumentError(thrown.message)
      throw thrown
    }
  })
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}

function examplesText({ examples }: CommandSpec): string {
  return `\nExamples:\n${examples.map(({ line, does }) => `  $ ${line}\n      ${does}`).join('\n')}`
}
