import type { StoreAnswer } from '../store/contract.ts'

/**
 * Cosine, the idf-weighted and the plain share of the question's terms that one of the first hits holds.
 * Calibrated on one half of the packages of `bench/retrieval.js`, which prints how often either half is refused.
 */
const LEXICAL_WEIGHT = 0.2
const TERMS_WEIGHT = 0.1
const ANSWERABLE_FROM = 0.45
/** Without vectors only the terms speak: half of what they weigh in the question. */
const LEXICAL_ANSWERABLE_FROM = 0.5

/** How well the best hits speak for an answer, about 0 to 1.3. */
function answerability(best: StoreAnswer['best']): number {
  const share = best.queryTerms === 0 ? 0 : best.matchedTerms / best.queryTerms
  return best.cosine + LEXICAL_WEIGHT * best.lexical + TERMS_WEIGHT * share
}

/** @returns false when no hit is good enough to put before a chat */
export function isAnswerable(best: StoreAnswer['best']): boolean {
  if (best.cosine === 0) return best.lexical >= LEXICAL_ANSWERABLE_FROM
  return answerability(best) >= ANSWERABLE_FROM
}

/** What to tell the person instead of asking the model. */
export function refusalText(project: string): string {
  return `I found nothing in the project ${project} that answers this question.`
}
