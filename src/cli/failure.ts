import { type ErrorCode, TandemError } from '../domain/index.ts'

/** The command line was used wrongly; exit code 2. */
export class UsageError extends Error {
  constructor(
    message: string,
    readonly hint?: string,
  ) {
    super(message)
  }
}

/** A command cannot do what it was asked for; exit code 1. */
export class CommandError extends Error {
  constructor(
    message: string,
    readonly hint?: string,
    options: { cause?: unknown } = {},
  ) {
    super(message, options)
  }
}

/** An error that the server answered with; its message is already made for people. */
export class ServerRefusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message)
  }
}

export interface Failure {
  readonly message: string
  readonly hint?: string
  readonly exitCode: 1 | 2
}

const HINTS: Readonly<Partial<Record<ErrorCode, string>>> = {
  PORT_TAKEN: '`tandem doctor` says who holds the port; `--port 0` takes any free one',
  ALREADY_RUNNING: '`tandem status` shows it; other commands use it on their own',
  CONFIG_INVALID: '`tandem config schema` prints every setting, `tandem config show` what is in force',
  UNAUTHORIZED:
    'set server.apiKey in tandem.yaml or TANDEM_SERVER_API_KEY to the key that the server was started with',
  MODEL_NOT_FOUND: '`tandem models` lists the models',
  NO_MODEL_FOR_TASK: '`tandem models` lists the models and what each does',
  MODEL_FILE_BAD: '`tandem doctor` names every model file that is missing or cut',
  HUB_NOT_FOUND: '`tandem pull --list` shows the known models; any other by OWNER/NAME',
  TASK_UNSERVED: '`tandem plan` shows what runs where, and why',
  PATH_NOT_FOUND: '`tandem index PATH` takes a folder',
}

const WRONG_USE: readonly ErrorCode[] = ['CONFIG_INVALID', 'PATH_NOT_FOUND']

/** What to tell the person, and how to exit. */
export function describeFailure(thrown: unknown): Failure {
  if (thrown instanceof UsageError) return withHint(thrown.message, thrown.hint, 2)
  if (thrown instanceof CommandError) return withHint(thrown.message, thrown.hint, 1)
  if (thrown instanceof ServerRefusal)
    return withHint(thrown.message, HINTS[thrown.code.toUpperCase() as ErrorCode], 1)
  if (thrown instanceof TandemError)
    return withHint(thrown.message, HINTS[thrown.code], WRONG_USE.includes(thrown.code) ? 2 : 1)
  const message = thrown instanceof Error ? thrown.message || thrown.name : String(thrown)
  return withHint(message, 'run it again with --verbose to see where this comes from', 1)
}

function withHint(message: string, hint: string | undefined, exitCode: 1 | 2): Failure {
  return hint === undefined ? { message, exitCode } : { message, hint, exitCode }
}
