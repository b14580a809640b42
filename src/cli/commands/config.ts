import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { configFile, configSchema, loadConfig, shownSettings } from '../../config/index.ts'
import { policiesWith } from '../../placement/index.ts'
import { type CommandContext, type CommandGroup, defineCommand } from '../command.ts'
import { jsonOption } from '../options.ts'
import { table } from '../print/table.ts'
import { wrapped } from '../print/wrap.ts'

const show = defineCommand({
  name: 'show',
  summary: 'print the settings in force, and where each came from',
  options: { json: jsonOption },
  examples: [
    { line: 'tandem config show', does: 'every setting; secrets are masked' },
    { line: 'TANDEM_SERVER_PORT=9000 tandem config show --json', does: 'the same as JSON' },
  ],
  run: async (context, _args, { json }) => {
    const loaded = context.settings()
    const settings = shownSettings(loaded)
    if (json) {
      context.json({
        file: loaded.file ?? null,
        settings: settings.map(({ key, value, from, where }) => ({
          key: key.key,
          value: value ?? null,
          from,
          ...(where === undefined ? {} : { where }),
        })),
      })
      return 0
    }
    const rows = settings.map(({ key, value, from, where }) => [
      key.key,
      value === undefined ? '(not set)' : JSON.stringify(value),
      where ?? from,
    ])
    context.print(table([['setting', 'value', 'from'], ...rows]))
    return 0
  },
})

const policies = defineCommand({
  name: 'policies',
  summary: 'print the policies of placement, with the changes of placement.policies',
  options: { json: jsonOption },
  examples: [
    { line: 'tandem config policies', does: 'what each policy wants of each task' },
    { line: 'tandem config policies --json', does: 'every field, as placement.policies takes it' },
  ],
  run: async (context, _args, { json }) => {
    const { placement } = context.settings().config
    const known = policiesWith(placement.policies)
    if (json) {
      context.json({ policy: placement.policy, policies: known })
      return 0
    }
    for (const { name, title, tasks } of known) {
      const chosen = name === placement.policy ? ' (in force)' : ''
      context.print(`${context.style.bold(name)}${chosen}\n${wrapped(title, '  ')}`)
      const rows = Object.entries(tasks).map(([task, { goal, prefer, minShare, maxMs }]) => [
        task,
        goal,
        prefer.join(', '),
        `${minShare}`,
        `${maxMs} ms`,
      ])
      context.print(table([['task', 'goal', 'prefer', 'minShare', 'maxMs'], ...rows], '  '))
    }
    return 0
  },
})

const schema = defineCommand({
  name: 'schema',
  summary: 'print the JSON schema of tandem.yaml',
  options: {},
  examples: [
    { line: 'tandem config schema > tandem.schema.json', does: 'for an editor that checks the file' },
  ],
  run: async (context) => {
    context.json(configSchema())
    return 0
  },
})

const path = defineCommand({
  name: 'path',
  summary: 'print where the configuration file is, or would be',
  options: {},
  examples: [{ line: 'vi "$(tandem config path)"', does: 'edit it' }],
  run: async (context, _args, values) => {
    context.print(`${chosenFile(context, values)}\n`)
    return 0
  },
})

const check = defineCommand({
  name: 'check',
  summary: 'check a configuration file without starting anything',
  args: [{ name: 'file', help: 'without it the file in force' }],
  options: {},
  examples: [
    { line: 'tandem config check', does: 'exit code 0 when all is well, 2 with the places that are wrong' },
    { line: 'tandem config check team.yaml', does: 'another file' },
  ],
  run: async (context, [given], values) => {
    const file = given === undefined ? chosenFile(context, values) : resolve(context.io.cwd, given)
    if (given === undefined && !existsSync(file)) {
      context.say(`${file} does not exist; the defaults are in force`)
      return 0
    }
    const { warnings } = loadConfig({ home: context.home, env: context.io.env, file })
    for (const warning of warnings) context.say(warning)
    context.print(`${file}: ${context.style.green('fine')}\n`)
    return 0
  },
})

function chosenFile(context: CommandContext, values: Readonly<Record<string, unknown>>): string {
  const { config } = values
  return typeof config === 'string' ? resolve(context.io.cwd, config) : configFile(context.home)
}

export const config: CommandGroup = {
  name: 'config',
  summary: 'show and check the configuration',
  commands: [show, policies, check, path, schema],
}
