import { type EmbedOutput, type ScoreOutput, TandemError } from '../domain/index.ts'

/** What an answer must have. */
interface Expected {
  readonly inputs: number
  readonly engine: string
  /** Numbers of each input; undefined: not known yet. */
  readonly width: number | undefined
}

/** How an answer's numbers are called in an error. */
interface Words {
  readonly one: string
  readonly many: string
  readonly width: string
}

/**
 * Refuses vectors that cannot be right: wrong count, wrong width, NaN or infinite.
 * @throws TandemError ENGINE_FAILED
 */
export function checkEmbedOutput(value: unknown, expected: Expected): EmbedOutput {
  const output = value as Partial<EmbedOutput> | null | undefined
  const words = { one: 'a vector', many: 'vectors', width: 'dimensions' }
  check(output?.vectors, output?.dimensions, output?.tokens, expected, words)
  return { truncated: [], ...output } as EmbedOutput
}

/**
 * The same for scores.
 * @throws TandemError ENGINE_FAILED
 */
export function checkScoreOutput(value: unknown, expected: Expected): ScoreOutput {
  const output = value as Partial<ScoreOutput> | null | undefined
  const words = { one: 'a score', many: 'rows of scores', width: 'scores' }
  check(output?.scores, output?.width, output?.tokens, expected, words)
  return { truncated: [], ...output } as ScoreOutput
}

function check(
  values: unknown,
  width: number | undefined,
  tokens: readonly number[] | undefined,
  expected: Expected,
  { one, many, width: unit }: Words,
): void {
  const { engine, inputs } = expected
  const fail = (why: string) => new TandemError('ENGINE_FAILED', { engine, why })
  if (!(values instanceof Float32Array) || !width) throw fail(`its answer holds no ${many}`)
  if (expected.width !== undefined && width !== expected.width)
    throw fail(`${many} of ${width} ${unit}, the model has ${expected.width}`)
  if (values.length !== inputs * width) throw fail(`${values.length / width} ${many} for ${inputs} inputs`)
  if (tokens?.length !== inputs) throw fail(`token counts of ${tokens?.length ?? 0} inputs for ${inputs}`)
  if (!values.every(Number.isFinite)) throw fail(`${one} holds NaN or infinity`)
}
