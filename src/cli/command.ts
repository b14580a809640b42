import type { LoadedConfig } from '../config/index.ts'
import type { CommandHost } from './host.ts'
import type { Io } from './io.ts'
import type { OptionTable, Parsed } from './options.ts'
import type { Style } from './print/style.ts'

/** What a command gets to work with. */
export interface CommandContext {
  readonly io: Io
  readonly host: CommandHost
  /** Folder of everything that Tandem keeps. */
  readonly home: string
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal
  /** The configuration with this command's options; read on first use. */
  readonly settings: () => LoadedConfig
  /** For stdout. */
  readonly style: Style
  /** Text to stdout as it is. */
  readonly print: (text: string) => void
  /** The one JSON document on stdout. */
  readonly json: (document: unknown) => void
  /** A message to stderr, `tandem: ` before it; plain text, fit for a terminal whatever names stand in it. */
  readonly say: (message: string) => void
  /** Runs when a second Ctrl-C or the time limit of a clean end cuts the command off; the result forgets it again. */
  readonly onKill: (kill: () => void) => () => void
}

interface ArgumentSpec {
  /** As in the help: `query` */
  readonly name: string
  readonly help: string
  readonly required?: boolean
  /** Takes all that follows. */
  readonly variadic?: boolean
}

interface Example {
  readonly line: string
  readonly does: string
}

/** A command as plain data and one function: feeds parsing, `--help` and the docs. */
export interface CommandSpec<T extends OptionTable = OptionTable> {
  readonly name: string
  readonly summary: string
  /** More, in sentences. */
  readonly description?: string
  readonly args?: readonly ArgumentSpec[]
  readonly options: T
  readonly examples: readonly Example[]
  /** @returns the exit code */
  readonly run: (context: CommandContext, args: readonly string[], options: Parsed<T>) => Promise<number>
}

/** A command that only groups others: `tandem config show`. */
export interface CommandGroup {
  readonly name: string
  readonly summary: string
  readonly commands: readonly CommandSpec[]
}

/** Ties the types of a command's options to its function. */
export function defineCommand<const T extends OptionTable>(spec: CommandSpec<T>): CommandSpec {
  return spec as unknown as CommandSpec // the table is only ever used with the values that were parsed by it
}
