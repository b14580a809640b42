/** Ollama's `keep_alive`: how long a model is to stay loaded after its answer. */
import { z } from 'zod'
import type { HttpDeps } from '../../deps.ts'

const UNIT_MS: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1_000,
  ms: 1,
  us: 1e-3,
  ns: 1e-6,
}
const DURATION = /^-?(?:\d+(?:\.\d+)?(?:h|ms|m|s|us|ns))+$/

/** Seconds, or as Go writes durations: `5m`, `1h30m`; below 0: without end. In milliseconds. */
export const keepAlive = z
  .union([z.number(), z.string().regex(DURATION), z.string().regex(/^-?\d+(?:\.\d+)?$/)], {
    error: 'expected seconds, or a duration like "5m", "1h30m", 0 or -1',
  })
  .transform((given): number => {
    const ms = typeof given === 'number' ? given * 1000 : msOf(given)
    return ms < 0 ? Number.POSITIVE_INFINITY : ms
  })
  .nullish()

function msOf(text: string): number {
  if (!DURATION.test(text)) return Number(text) * 1000
  const parts = text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s|us|ns)/g)
  const ms = [...parts].reduce((sum, [, count, unit]) => sum + Number(count) * UNIT_MS[unit!]!, 0)
  return text.startsWith('-') ? -1 : ms
}

/** Does as a request wishes, at its end. @param model id of it */
export function applyKeepAlive(
  { residency }: Pick<HttpDeps, 'residency'>,
  model: string,
  ms: number | null | undefined,
): void {
  if (ms === 0) residency?.unload(model)
  else if (ms != null) residency?.hold(model, ms)
}
