import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CommanderError } from 'commander'
import { type LoadedConfig, loadConfig, PACKAGE_ROOT, tandemHome } from '../config/index.ts'
import type { CommandContext } from './command.ts'
import { COMMANDS } from './commands/index.ts'
import { describeFailure, type Failure } from './failure.ts'
import type { CommandHost } from './host.ts'
import { type Interrupted, type Interrupts, watchInterrupts } from './interrupt.ts'
import { type Io, type Output, processIo } from './io.ts'
import { givenSettings } from './options.ts'
import { printable, styleFor } from './print/style.ts'
import { buildProgram, type Invocation } from './program.ts'

/**
 * Runs one command line.
 * @param argv without node and the script
 * @returns the exit code: 0 fine, 1 failed, 2 wrong use, 130 after Ctrl-C. Output is flushed, children are ended:
 *   the caller ends the process with it.
 */
export async function runCommandLine(
  argv: readonly string[],
  host: CommandHost,
  io: Io = processIo(),
): Promise<number> {
  const interrupts = watchInterrupts(io)
  try {
    const ended = parseAndRun(argv, host, io, interrupts)
    const cutOff = interrupts.cutOff.then((reason) => reason.exitCode)
    return await Promise.race([ended, cutOff])
  } finally {
    interrupts.close()
    await Promise.all([flushed(io.stdout), flushed(io.stderr)])
  }
}

async function parseAndRun(
  argv: readonly string[],
  host: CommandHost,
  io: Io,
  interrupts: Interrupts,
): Promise<number> {
  let exitCode = 0
  let verbose = argv.includes('--verbose') || io.env['TANDEM_DEBUG'] === '1'
  const program = buildProgram({
    commands: COMMANDS,
    version: packageVersion(),
    width: Math.min(io.stdout.columns || 100, 120),
    writeOut: (text) => io.stdout.write(text),
    writeErr: (text) => io.stderr.write(text),
    onCommand: async (invocation) => {
      verbose ||= invocation.values['verbose'] === true
      exitCode = await invocation.spec.run(
        makeContext(invocation, host, io, interrupts),
        invocation.args,
        invocation.values,
      )
    },
  })
  try {
    await program.parseAsync(argv, { from: 'user' })
    return exitCode
  } catch (thrown) {
    if (thrown instanceof CommanderError) return wrongUse(thrown, argv, io)
    if (interrupts.signal.aborted) return (interrupts.signal.reason as Interrupted).exitCode
    const failure = describeFailure(thrown)
    printFailure(failure, io)
    if (verbose && thrown instanceof Error) printStack(thrown, io)
    return failure.exitCode
  }
}

function makeContext(
  invocation: Invocation,
  host: CommandHost,
  io: Io,
  interrupts: Interrupts,
): CommandContext {
  const home = tandemHome(io.env)
  const errStyle = styleFor(io.stderr, io.env)
  const say = (message: string) => void io.stderr.write(`${errStyle.dim('tandem:')} ${printable(message)}\n`)
  let loaded: LoadedConfig | undefined
  const settings = () => {
    if (loaded) return loaded
    const { config } = invocation.values
    const flags = givenSettings(invocation.spec.options, invocation.values)
    loaded = loadConfig({ home, env: io.env, flags, ...(typeof config === 'string' ? { file: config } : {}) })
    for (const warning of loaded.warnings) say(warning)
    return loaded
  }
  return {
    io,
    host,
    home,
    settings,
    say,
    style: styleFor(io.stdout, io.env),
    signal: interrupts.signal,
    onKill: interrupts.onKill,
    print: (text) => void io.stdout.write(text),
    json: (document) => void io.stdout.write(`${JSON.stringify(document, null, 2)}\n`),
  }
}

function packageVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(join(PACKAGE_ROOT, 'package.json'), 'utf8'))
  return String((manifest as { version: unknown }).version)
}

/** Help and version were asked for, or the words make no command. */
function wrongUse(thrown: CommanderError, argv: readonly string[], io: Io): number {
  if (thrown.exitCode === 0) return 0
  if (thrown.code === 'commander.help') return 2 // no command was named: commander showed the help
  const message = thrown.message.replace(/^error: /, '').replace(/\n\((.*)\)$/s, ' ($1)')
  const known = COMMANDS.some((command) => command.name === argv[0])
  printFailure({ message, hint: `see \`tandem ${known ? `${argv[0]} ` : ''}--help\``, exitCode: 2 }, io)
  return 2
}

function printFailure({ message, hint }: Failure, io: Io): void {
  const style = styleFor(io.stderr, io.env)
  for (const line of message.split('\n')) io.stderr.write(`${style.red('tandem:')} ${printable(line)}\n`)
  if (hint) io.stderr.write(`${style.dim('hint:')} ${printable(hint)}\n`)
}

function printStack(thrown: Error, io: Io): void {
  io.stderr.write(`${thrown.stack}\n`)
  for (let cause = thrown.cause; cause instanceof Error; cause = cause.cause)
    io.stderr.write(`caused by ${cause.stack}\n`)
}

function flushed(stream: Output): Promise<void> {
  if (stream.destroyed || stream.writableEnded) return Promise.resolve()
  return new Promise((resolve) => stream.write('', () => resolve()))
}
