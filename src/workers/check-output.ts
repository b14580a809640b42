import {
  type ChatResult,
  type EmbedOutput,
  type LayerTime,
  type PromptCount,
  type ScoreOutput,
  TandemError,
} from '../domain/index.ts'

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
 * Refuses vectors that cannot be right: wrong count, wrong width, NaN, infinite, or nothing but zeros.
 * @throws TandemError ENGINE_FAILED
 */
export function checkEmbedOutput(value: unknown, expected: Expected): EmbedOutput {
  const output = value as Partial<EmbedOutput> | null | undefined
  const words = { one: 'a vector', many: 'vectors', width: 'dimensions' }
  check(output, output?.vectors, output?.dimensions, expected, words)
  const { vectors, dimensions } = output as EmbedOutput
  for (let start = 0; start < vectors.length; start += dimensions)
    if (isZero(vectors, start, start + dimensions)) throw failed(expected, 'a vector holds nothing but zeros')
  return { truncated: [], ...output } as EmbedOutput
}

/**
 * The same for scores.
 * @throws TandemError ENGINE_FAILED
 */
export function checkScoreOutput(value: unknown, expected: Expected): ScoreOutput {
  const output = value as Partial<ScoreOutput> | null | undefined
  const words = { one: 'a score', many: 'rows of scores', width: 'scores' }
  check(output, output?.scores, output?.width, expected, words)
  return { truncated: [], ...output } as ScoreOutput
}

/**
 * Refuses a chat's end that lacks what callers read.
 * @throws TandemError ENGINE_FAILED
 */
export function checkChatResult(value: unknown, engine: string): ChatResult {
  const result = value as Partial<ChatResult> | null | undefined
  const { usage, timings } = result ?? {}
  const numbers = [usage?.promptTokens, usage?.completionTokens, usage?.cachedTokens]
  if (
    typeof result?.text !== 'string' ||
    !Array.isArray(result.toolCalls) ||
    typeof result.finishReason !== 'string' ||
    ![...numbers, timings?.firstTokenMs, timings?.decodeMs].every(Number.isFinite)
  )
    throw failed({ engine }, 'its answer is no end of a chat')
  return result as ChatResult
}

/** @throws TandemError ENGINE_FAILED unless there are `count` counts */
export function checkCounts(value: unknown, count: number, engine: string): number[] {
  if (Array.isArray(value) && value.length === count && value.every((each) => Number.isSafeInteger(each)))
    return value as number[]
  throw failed({ engine }, `its answer holds no ${count} token counts`)
}

/** @throws TandemError ENGINE_FAILED unless it is a count of a prompt */
export function checkPromptCount(value: unknown, engine: string): PromptCount {
  const count = value as Partial<PromptCount> | null | undefined
  if (isNatural(count?.tokens) && typeof count?.estimated === 'boolean') return count as PromptCount
  throw failed({ engine }, 'its answer holds no count of a prompt')
}

/** @throws TandemError ENGINE_FAILED unless these are ids of tokens */
export function checkTokens(value: unknown, engine: string): number[] {
  if (Array.isArray(value) && value.every(isNatural)) return value
  throw failed({ engine }, 'its answer holds no ids of tokens')
}

/** @throws TandemError ENGINE_FAILED unless it is a text */
export function checkText(value: unknown, engine: string): string {
  if (typeof value === 'string') return value
  throw failed({ engine }, 'its answer holds no text')
}

/** @throws TandemError ENGINE_FAILED unless these are times of layers */
export function checkLayerTimes(value: unknown, engine: string): LayerTime[] {
  if (Array.isArray(value) && value.every((each) => Number.isFinite((each as Partial<LayerTime> | null)?.ms)))
    return value as LayerTime[]
  throw failed({ engine }, 'its answer holds no times of layers')
}

function check(
  output: { readonly tokens?: unknown; readonly truncated?: unknown } | null | undefined,
  values: unknown,
  width: number | undefined,
  expected: Expected,
  { one, many, width: unit }: Words,
): void {
  const { inputs } = expected
  const fail = (why: string) => failed(expected, why)
  if (!(values instanceof Float32Array) || !width) throw fail(`its answer holds no ${many}`)
  if (expected.width !== undefined && width !== expected.width)
    throw fail(`${many} of ${width} ${unit}, the model has ${expected.width}`)
  if (values.length !== inputs * width) throw fail(`${values.length / width} ${many} for ${inputs} inputs`)
  const { tokens, truncated = [] } = output ?? {}
  if (!Array.isArray(tokens) || tokens.length !== inputs)
    throw fail(`token counts of ${Array.isArray(tokens) ? tokens.length : 0} inputs for ${inputs}`)
  if (!tokens.every(isNatural)) throw fail('a token count that is none')
  if (!Array.isArray(truncated) || !truncated.every((index) => isNatural(index) && index < inputs))
    throw fail('it names a cut input that there is not')
  for (const value of values) if (!Number.isFinite(value)) throw fail(`${one} holds NaN or infinity`)
}

function isNatural(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isZero(values: Float32Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (values[i] !== 0) return false
  return true
}

function failed({ engine }: { readonly engine: string }, why: string): TandemError {
  return new TandemError('ENGINE_FAILED', { engine, why })
}
