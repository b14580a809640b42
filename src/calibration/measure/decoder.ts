import type { ChatResult, DecoderFigures } from '../../domain/index.ts'
import type { Worker } from '../../workers/index.ts'
import { codeText } from './code-text.ts'
import { type BoundedOptions, Budget, isLate, median, rounds, warmUpOptions } from './rounds.ts'

/** The first run is this short because a renderer in software reads and writes some 10 tokens a second. */
const PROBE: RunSize = { promptChars: 24, answerTokens: 4 }

const MAX_PROMPT = 512
const MAX_ANSWER = 256
/** Runs that the budget is cut into, as far as the device is fast enough. */
const RUNS = 4
/** Of a run's time; the rest is decoding. */
const PROMPT_SHARE = 0.4
/** A shorter answer, from a model that ends it early, says little about the speed. */
const FEW_TOKENS = 8

export interface RunSize {
  readonly promptChars: number
  readonly answerTokens: number
}

export interface DecoderRun {
  readonly promptChars: number
  /** Read anew, not found in a cache. */
  readonly promptTokens: number
  readonly promptMs: number
  /** After the first token. */
  readonly decodedTokens: number
  readonly decodeMs: number
}

/**
 * Times a chat model: reading a prompt of code, and writing alone.
 * @param contextTokens the window that it was opened with
 * @param budgetMs plus the first run; what is slow may take twice as long
 * @throws Error when not even the first run ended in time, or what the worker throws
 */
export async function measureDecoder(
  worker: Worker,
  contextTokens: number,
  budgetMs: number,
  signal: AbortSignal | undefined,
): Promise<DecoderFigures> {
  let last = await firstRun(worker, warmUpOptions(budgetMs, signal))
  const budget = new Budget(budgetMs, signal)
  const runMs = budget.leftMs / RUNS
  const next = async (round: number): Promise<DecoderRun> => {
    last = await decoderRun(worker, sizeOf(last, contextTokens, runMs), round + 1, budget.callOptions())
    return last
  }
  try {
    return figuresOf(await rounds(budget.leftMs, next))
  } catch (thrown) {
    if (!isLate(thrown)) throw thrown
    return figuresOf([last]) // what was ready in time counts
  }
}

/**
 * Medians over the runs; answers of a few tokens are added up.
 * @throws Error when no answer has a second token: nothing was decoded that could be timed
 */
export function figuresOf(runs: readonly DecoderRun[]): DecoderFigures {
  const long = runs.filter((run) => run.decodedTokens >= FEW_TOKENS)
  const sum = (of: (run: DecoderRun) => number) => runs.reduce((total, run) => total + of(run), 0)
  const perMs = (tokens: number, ms: number) => tokens / Math.max(ms, 1e-3)
  const few = perMs(
    sum((run) => run.decodedTokens),
    sum((run) => run.decodeMs),
  )
  if (few === 0) throw new Error('it ended every answer after one token')
  return {
    promptTokensPerSecond: 1000 * median(runs.map((run) => perMs(run.promptTokens, run.promptMs))),
    decodeTokensPerSecond:
      1000 * (long.length > 0 ? median(long.map((run) => perMs(run.decodedTokens, run.decodeMs))) : few),
  }
}

/** A short run. @throws Error when it does not end in time */
export async function firstRun(worker: Worker, options: BoundedOptions): Promise<DecoderRun> {
  try {
    return await decoderRun(worker, PROBE, 0, options)
  } catch (thrown) {
    if (!isLate(thrown)) throw thrown
    throw new Error(
      `${PROBE.answerTokens} tokens after a prompt of one line were not ready after ${options.deadlineMs} ms`,
    )
  }
}

/** As long as `runMs` allows, by what the last run took; pure. */
export function sizeOf(last: DecoderRun, contextTokens: number, runMs: number): RunSize {
  const room = Math.floor(contextTokens / 2)
  const perMs = (tokens: number, ms: number) => tokens / Math.max(ms, 1e-3)
  const promptTokens = Math.min(
    MAX_PROMPT,
    room,
    runMs * PROMPT_SHARE * perMs(last.promptTokens, last.promptMs),
  )
  const answerTokens = Math.min(
    MAX_ANSWER,
    room,
    runMs * (1 - PROMPT_SHARE) * perMs(Math.max(1, last.decodedTokens), last.decodeMs),
  )
  return {
    promptChars: Math.max(
      PROBE.promptChars,
      Math.floor((promptTokens * last.promptChars) / last.promptTokens),
    ),
    answerTokens: Math.max(PROBE.answerTokens, Math.floor(answerTokens)),
  }
}

/** One prompt, read anew, and its answer. Times are the worker's own. */
export async function decoderRun(
  worker: Worker,
  { promptChars, answerTokens }: RunSize,
  round: number,
  options: BoundedOptions,
): Promise<DecoderRun> {
  // its beginning differs in every round: nothing of an earlier prompt may be reused
  const prompt = `${round} ${codeText(round, promptChars)}`
  const result = await worker.complete(
    {
      model: worker.placement.model,
      prompt,
      sampling: { maxTokens: answerTokens, temperature: 1, seed: round + 1, stop: [] },
    },
    () => {},
    options,
  )
  return timesOf(result, prompt.length)
}

function timesOf({ usage, timings }: ChatResult, promptChars: number): DecoderRun {
  return {
    promptChars,
    promptTokens: Math.max(1, usage.promptTokens - usage.cachedTokens),
    promptMs: timings.firstTokenMs,
    decodedTokens: Math.max(0, usage.completionTokens - 1),
    decodeMs: timings.decodeMs,
  }
}
