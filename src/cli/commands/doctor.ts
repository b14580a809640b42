import { Config } from '../../config/index.ts'
import { type CommandContext, defineCommand } from '../command.ts'
import { type Check, failed, ok } from '../doctor/check.ts'
import { checkLlamaServer } from '../doctor/llama-server.ts'
import { checkCapacity, checkHome, checkNode, checkWatches } from '../doctor/machine.ts'
import { checkModels } from '../doctor/models.ts'
import { checkOpenVino } from '../doctor/openvino.ts'
import { checkPackages } from '../doctor/packages.ts'
import { checkPort } from '../doctor/port.ts'
import { checkServers } from '../doctor/servers.ts'
import { describeFailure } from '../failure.ts'
import { jsonOption } from '../options.ts'
import { printable } from '../print/style.ts'

export const doctor = defineCommand({
  name: 'doctor',
  summary: 'say what is there, what is missing and what to do',
  description: 'Starts no server and no model. Exit code 1 when something that Tandem needs is missing.',
  options: { json: jsonOption },
  examples: [
    { line: 'tandem doctor', does: 'every check with what to do' },
    { line: 'tandem doctor --json', does: 'the same as JSON, for a bug report' },
  ],
  run: async (context, _args, { json }) => {
    const { config, check } = readConfig(context)
    const { home, signal } = context
    const servers = await checkServers(config, { home, env: context.io.env, signal })
    const checks = [
      checkNode(process.versions.node),
      ...checkCapacity(),
      await checkHome(home),
      check,
      ...(await checkPort(home, config.server.host, config.server.port, signal)),
      ...(await checkModels(config, home, servers.names)),
      ...(await checkPackages(signal)),
      ...(await checkWatches()),
      ...servers.checks,
      ...(await checkLlamaServer({ config, home, env: context.io.env, signal })),
      ...(await checkOpenVino({ home, configured: config.openvino.folder, env: context.io.env, signal })),
    ]
    const fine = checks.every(({ state }) => state !== 'failed')
    if (json) context.json({ ok: fine, checks })
    else printChecks(context, checks)
    return fine ? 0 : 1
  },
})

/** A broken configuration is a finding; the other checks go on with the defaults. */
function readConfig(context: CommandContext): { config: Config; check: Check } {
  try {
    const { config, file } = context.settings()
    return { config, check: ok('config', 'configuration', file ?? 'no file; the defaults are in force') }
  } catch (thrown) {
    const { message } = describeFailure(thrown)
    const check = failed(
      'config',
      'configuration',
      message,
      'correct it; `tandem config schema` prints every setting',
    )
    return { config: Config.parse({}), check }
  }
}

function printChecks({ print, style }: CommandContext, checks: readonly Check[]): void {
  const width = Math.max(...checks.map(({ title }) => title.length))
  const marks = { ok: style.green('ok    '), warn: style.yellow('warn  '), failed: style.red('failed') }
  for (const { title, state, found, advice } of checks) {
    print(`${marks[state]}  ${title.padEnd(width)}  ${printable(found)}\n`)
    if (advice) print(`${' '.repeat(width + 10)}${style.dim(`-> ${advice}`)}\n`)
  }
  const count = checks.filter(({ state }) => state === 'failed').length
  print(count === 0 ? '\nnothing that Tandem needs is missing\n' : `\n${count} to be put right\n`)
}
