/** The reference pages, made from the schema and the commands; `scripts/generate-docs.js` writes them. */
import { CONFIG_KEYS, type ConfigKey } from '../config/index.ts'
import type { CommandGroup, CommandSpec } from './command.ts'
import { COMMANDS } from './commands/index.ts'
import { commonOptions, flagName, type OptionTable } from './options.ts'

const GENERATED = '<!-- made by scripts/generate-docs.js; change the source it names, not this file -->'

/** `docs/configuration.md` */
export function configurationReference(): string {
  const sections = [...new Set(CONFIG_KEYS.map(({ section }) => section))].map(
    (name) => [name, CONFIG_KEYS.filter(({ section }) => section === name)] as const,
  )
  return [
    `${GENERATED}\n\n# Configuration\n`,
    'Tandem needs no configuration. To change something, write `tandem.yaml` in `TANDEM_HOME` (`tandem config path` says where that is), or give a file with `--config FILE`:\n',
    '```yaml\nserver:\n  port: 9000\nlog:\n  level: info\n```\n',
    'A command-line option wins over a variable, a variable over the file, the file over the default. `tandem config show` prints what is in force and where each value comes from, `tandem config check` finds mistakes with their line, and `tandem config schema` prints the JSON schema for an editor.\n',
    'In a variable a list is separated by commas, or is JSON; an empty variable counts as not set. A secret may be written as `env:NAME`: it is then read from the variable `NAME`. Secrets are never printed.\n',
    ...sections.map(([name, keys]) => `## ${name}\n\n${keyTable(keys)}`),
  ].join('\n')
}

function keyTable(keys: readonly ConfigKey[]): string {
  const rows = keys.map((key) => {
    const fallback = key.default === undefined ? 'not set' : `\`${JSON.stringify(key.default)}\``
    const what = key.secret ? `${key.description} (secret)` : key.description
    return `| \`${key.key}\` | \`${key.variable}\` | ${cell(key.allowed)} | ${fallback} | ${cell(what)} |\n`
  })
  return `| key | variable | allowed | default | what for |\n| --- | --- | --- | --- | --- |\n${rows.join('')}`
}

/** `docs/cli.md` */
export function cliReference(): string {
  return [
    `${GENERATED}\n\n# Command line\n`,
    'A command uses the server that runs in this `TANDEM_HOME`; without one it starts its own and ends it again. The project is the one that holds the current folder, or `--project NAME`.\n',
    'Exit codes: 0 fine, 1 failed, 2 wrong use, 130 after Ctrl-C. `--json` prints one JSON document on stdout; messages go to stderr. Colours appear on a terminal only, and not when `NO_COLOR` is set.\n',
    'Every command takes:\n',
    optionTable(commonOptions),
    ...COMMANDS.flatMap((entry) => entrySections(entry, '')),
  ].join('\n')
}

function entrySections(entry: CommandSpec | CommandGroup, parent: string): string[] {
  const name = `${parent}${entry.name}`
  if ('commands' in entry) return entry.commands.flatMap((sub) => entrySections(sub, `${name} `))
  const args = (entry.args ?? []).map((arg) => {
    const shape = `${arg.name.toUpperCase()}${arg.variadic ? '...' : ''}`
    return arg.required ? ` ${shape}` : ` [${shape}]`
  })
  const hasOptions = Object.keys(entry.options).length > 0
  return [
    `## tandem ${name}\n\n${capitalized(entry.summary)}.${entry.description ? ` ${entry.description}` : ''}\n`,
    `    tandem ${name}${args.join('')}${hasOptions ? ' [options]' : ''}\n`,
    ...(entry.args?.length
      ? [`${entry.args.map((arg) => `- \`${arg.name.toUpperCase()}\`: ${arg.help}`).join('\n')}\n`]
      : []),
    ...(hasOptions ? [optionTable(entry.options)] : []),
    `Examples:\n\n${entry.examples.map(({ line, does }) => `- \`${line}\`: ${does}`).join('\n')}\n`,
  ]
}

function optionTable(options: OptionTable): string {
  const rows = Object.entries(options).map(([name, { arg, help, shownDefault }]) => {
    const flag = `\`${flagName(name)}${arg ? ` ${arg}` : ''}\``
    return `| ${flag} | ${cell(help)} | ${shownDefault ?? ''} |\n`
  })
  return `| option | what it does | default |\n| --- | --- | --- |\n${rows.join('')}`
}

function capitalized(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`
}

/** A bar would end the cell. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}
