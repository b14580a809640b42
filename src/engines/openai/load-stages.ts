/** How far llama-server is with loading a model, by its stages. Pure. */
import { z } from 'zod'

/** llama.cpp tools/server/README.md, "GET /models/sse": `progress` of an event of a load. */
export const LoadStages = z.object({
  stages: z.array(z.string()).min(1),
  current: z.string(),
  /** Of the current stage. */
  value: z.number().min(0).max(1).default(0),
})

/** What each stage after the weights (a draft model, a projector) is taken for: much smaller than them. */
const LATER_SHARE = 0.1

/** @returns the share of all stages, 0..1; undefined for a stage that is not among them */
export function shareOf({ stages, current, value }: z.infer<typeof LoadStages>): number | undefined {
  const at = stages.indexOf(current)
  if (at < 0) return undefined
  const first = Math.max(LATER_SHARE, 1 - LATER_SHARE * (stages.length - 1))
  const later = stages.length > 1 ? (1 - first) / (stages.length - 1) : 0
  return at === 0 ? first * value : first + later * (at - 1 + value)
}
