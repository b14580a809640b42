import type { Interference } from '../../domain/index.ts'
import type { Worker, WorkerInfo } from '../../workers/index.ts'
import { type Candidate, DEFAULT_BUDGET_MS, type MeasureOptions, refOf } from './candidate.ts'
import { decoderRun, firstRun, sizeOf } from './decoder.ts'
import { encoderRun, probeOf, textsOf } from './encoder.ts'
import { withWorker } from './measure.ts'
import { type BoundedOptions, Budget, median, warmUpOptions } from './rounds.ts'

/** Each round times the first alone, the second alone, and both. */
const ROUNDS = 3
/** Texts of one call of an encoder. */
const TOKENS = 128
const BATCH = 8

/** One piece of work of a placement: how much was done, in units of its own. */
type Piece = (round: number, options: BoundedOptions) => Promise<number>

/**
 * Times two placements alone and at once, turn about.
 * @param options `budgetMs` for all rounds together; slow placements may take twice as long
 * @returns the share of its speed alone that each keeps, 0..1
 * @throws the signal's reason, or what a worker that does not run throws; nothing runs any more then
 */
export function measureInterference(
  first: Candidate,
  second: Candidate,
  { budgetMs = DEFAULT_BUDGET_MS, signal }: Pick<MeasureOptions, 'budgetMs' | 'signal'> = {},
): Promise<Interference> {
  return withWorker(first, signal, (a) =>
    withWorker(second, signal, async (b) => {
      const infos = [await a.ready(), await b.ready()] as const
      const windowMs = budgetMs / (3 * ROUNDS)
      const pieces = [
        await pieceOf(a, infos[0], windowMs, warmUpOptions(budgetMs, signal)),
        await pieceOf(b, infos[1], windowMs, warmUpOptions(budgetMs, signal)),
      ] as const
      const budget = new Budget(budgetMs, signal)
      const work = pieces.map((piece) => (round: number) => piece(round, budget.callOptions()))
      const shares: { readonly first: number; readonly second: number }[] = []
      do {
        const alone = [await speed([work[0]!], windowMs), await speed([work[1]!], windowMs)] as const
        const both = await speed(work, windowMs)
        shares.push({ first: both[0]! / alone[0][0]!, second: both[1]! / alone[1][0]! })
      } while (shares.length < ROUNDS && budget.leftMs > 0)
      return {
        first: refOf(first.placement),
        second: refOf(second.placement),
        firstKeeps: Math.min(1, median(shares.map((share) => share.first))),
        secondKeeps: Math.min(1, median(shares.map((share) => share.second))),
      }
    }),
  )
}

/** A piece that takes a part of the window, by what a short one took. */
async function pieceOf(
  worker: Worker,
  { contextTokens, maxTokens = TOKENS }: WorkerInfo,
  windowMs: number,
  options: BoundedOptions,
): Promise<Piece> {
  if (contextTokens !== undefined) {
    const size = sizeOf(await firstRun(worker, options), contextTokens, windowMs / 3)
    return async (round, bounds) => {
      const { promptTokens, decodedTokens } = await decoderRun(worker, size, round + 1, bounds)
      return promptTokens + decodedTokens
    }
  }
  const run = encoderRun(worker)
  const { tokensPerChar, msPerToken } = await probeOf(run, maxTokens, options)
  const tokens = Math.min(TOKENS, maxTokens)
  const batch = Math.max(1, Math.min(BATCH, Math.floor(windowMs / 3 / (msPerToken * tokens))))
  return async (round, bounds) => {
    await run(textsOf(tokens, batch, tokensPerChar, round), bounds)
    return batch
  }
}

/**
 * Runs all the work at once, each piece after piece, until the window has passed and each has done one: none ever runs
 * without the others.
 * @returns units per millisecond of each
 */
async function speed(
  work: readonly ((round: number) => Promise<number>)[],
  windowMs: number,
): Promise<number[]> {
  const startedMs = performance.now()
  const done = work.map(() => ({ units: 0, ms: 0 }))
  const goesOn = () => performance.now() - startedMs < windowMs || done.some(({ units }) => units === 0)
  await Promise.all(
    work.map(async (piece, index) => {
      for (let round = 0; round === 0 || goesOn(); round++) {
        const units = await piece(round)
        done[index] = { units: done[index]!.units + units, ms: performance.now() - startedMs }
      }
    }),
  )
  return done.map(({ units, ms }) => units / ms)
}
