import type { EncoderFigures, Task } from '../../domain/index.ts'
import type { CallOptions, Worker } from '../../workers/index.ts'
import { codeText } from './code-text.ts'
import { type BoundedOptions, Budget, isLate, median, rounds, warmUpOptions } from './rounds.ts'

/** Lengths in tokens, and texts of one call; what is needed most comes first: a slow device gets no further. */
const SHAPES = [
  { tokens: 128, batch: 1 },
  { tokens: 128, batch: 8 },
  { tokens: 128, batch: 32 }, // of several inferences at once: none is idle
  { tokens: 256, batch: 1 },
  { tokens: 512, batch: 1 },
  { tokens: 256, batch: 8 },
  { tokens: 512, batch: 8 },
] as const

/** Characters of the first text, about 128 tokens; it tells how many tokens a character makes. */
const PROBE_CHARS = 420
/** A text fills its bucket so far: a little shorter is read as a whole, a little longer would be cut. */
const FILL = 0.93
const QUERY = 'where do requests wait?'

type Shape = { readonly tokens: number; readonly batch: number }
type Figure = EncoderFigures['buckets'][number]

/**
 * Times an encoder on texts of known length.
 * @param maxTokens the model's limit
 * @param budgetMs plus the first run; what is slow may take twice as long
 * @throws Error when not even the first run ended in time, or what the worker throws
 */
export async function measureEncoder(
  worker: Worker,
  maxTokens: number,
  budgetMs: number,
  signal: AbortSignal | undefined,
): Promise<EncoderFigures> {
  const run = encoderRun(worker)
  const probe = await probeOf(run, maxTokens, warmUpOptions(budgetMs, signal))
  const budget = new Budget(budgetMs, signal)
  const buckets: Figure[] = []
  const shapes = shapesFor(maxTokens)
  for (const [index, shape] of shapes.entries()) {
    const expectedMs = probe.msPerToken * shape.tokens * shape.batch
    if (index > 0 && expectedMs > budget.leftMs) continue
    const shareMs = budget.leftMs / (shapes.length - index)
    const timed = await timeOf(run, shape, probe.tokensPerChar, shareMs, budget)
    // too slow for the budget: the first run alone tells its speed
    const msPerText = timed ?? (index === 0 ? probe.msPerToken * shape.tokens : undefined)
    if (msPerText === undefined) break
    buckets.push({ tokens: shape.tokens, batch: shape.batch, msPerText })
  }
  const fastest = Math.min(...buckets.map((bucket) => bucket.msPerText))
  return { textsPerSecond: 1000 / fastest, buckets }
}

type Run = (texts: readonly string[], options: CallOptions) => Promise<{ readonly tokens: readonly number[] }>

/** One call of an encoder, whatever its task. */
export function encoderRun(worker: Worker): Run {
  const { task, model } = worker.placement
  if (task === 'embed')
    return (inputs, options) => worker.embed({ model, inputs, purpose: 'passage' }, options)
  return (texts, options) => worker.score({ model, inputs: texts.map((text) => scored(task, text)) }, options)
}

function scored(task: Task, text: string) {
  return task === 'rerank' ? { query: QUERY, text } : text
}

interface Probe {
  readonly tokensPerChar: number
  readonly msPerToken: number
}

/** The first run. @throws Error when it does not end in time */
export async function probeOf(run: Run, maxTokens: number, options: BoundedOptions): Promise<Probe> {
  const chars = Math.min(PROBE_CHARS, maxTokens * 2)
  const startedMs = performance.now()
  try {
    const { tokens } = await run([codeText(0, chars)], options)
    const [count = 1] = tokens
    return { tokensPerChar: count / chars, msPerToken: (performance.now() - startedMs) / count }
  } catch (thrown) {
    if (!isLate(thrown)) throw thrown
    throw new Error(`one text of ${chars} characters was not ready after ${options.deadlineMs} ms`)
  }
}

function shapesFor(maxTokens: number): Shape[] {
  const shapes = SHAPES.filter(({ tokens }) => tokens <= maxTokens)
  return shapes.length > 0 ? shapes : [1, 8].map((batch) => ({ tokens: maxTokens, batch }))
}

/** @returns milliseconds of one text, undefined when no run ended in time */
async function timeOf(
  run: Run,
  { tokens, batch }: Shape,
  tokensPerChar: number,
  shareMs: number,
  budget: Budget,
): Promise<number | undefined> {
  try {
    const times = await rounds(shareMs, async (round) => {
      const texts = textsOf(tokens, batch, tokensPerChar, round)
      const startedMs = performance.now()
      await run(texts, budget.callOptions())
      return performance.now() - startedMs
    })
    return median(times) / batch
  } catch (thrown) {
    if (isLate(thrown)) return undefined
    throw thrown
  }
}

/** Different texts in every round: none may be answered from a cache. */
export function textsOf(tokens: number, batch: number, tokensPerChar: number, round: number): string[] {
  const chars = Math.max(1, Math.floor((tokens * FILL) / tokensPerChar))
  return Array.from({ length: batch }, (_, i) => codeText(round * batch + i + 1, chars))
}
