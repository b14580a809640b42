import { TandemError } from '../domain/index.ts'

/** Something wrong in the configuration, and where it stands. */
export interface Problem {
  /** `/home/me/tandem.yaml:3:5`, `TANDEM_QUEUE_MAX_WAITING`, `--port` */
  readonly where: string
  readonly what: string
}

/** One error for all problems, the first one foremost; each further one on a line of its own. */
export function configError(problems: readonly Problem[]): TandemError {
  const [first, ...rest] = problems
  const what = [first?.what ?? '', ...rest.map((problem) => `${problem.where}: ${problem.what}`)].join('\n')
  return new TandemError('CONFIG_INVALID', { where: first?.where ?? 'configuration', what })
}
