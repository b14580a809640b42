import { randomInt } from 'node:crypto'
import type { SequenceEvaluateOptions, Token } from 'node-llama-cpp'
import type { ChatTraits, Sampling } from '../../domain/index.ts'

/** llama.cpp's own defaults, for what neither the request nor the model's manifest sets. */
const DEFAULTS = { temperature: 0.8, topK: 40, topP: 0.95, minP: 0.05 } as const

export interface Chances {
  /** True when the same request must give the same text again. */
  readonly reproducible: boolean
  /** Options of one evaluation; `written` are the tokens decoded so far, replayed ones included, and may grow. */
  options(written: readonly Token[]): SequenceEvaluateOptions
}

/** How the next token is chosen. Penalties look at what the model wrote, not at the prompt. */
export function chancesOf(sampling: Sampling, traits: ChatTraits | undefined, window: number): Chances {
  const temperature = sampling.temperature ?? traits?.temperature ?? DEFAULTS.temperature
  const seed =
    sampling.seed === undefined ? randomInt(2 ** 32 - 1) : Math.abs(Math.trunc(sampling.seed)) % 2 ** 32
  const frequencyPenalty = sampling.frequencyPenalty ?? 0
  const presencePenalty = sampling.presencePenalty ?? 0
  const penalised = frequencyPenalty !== 0 || presencePenalty !== 0
  return {
    reproducible: temperature === 0 || sampling.seed !== undefined,
    options: (written) => ({
      temperature,
      // a text that goes on must not draw again what its first tokens drew
      seed: (seed + written.length) % 2 ** 32,
      topK: sampling.topK ?? DEFAULTS.topK,
      topP: sampling.topP ?? DEFAULTS.topP,
      minP: sampling.minP ?? DEFAULTS.minP,
      yieldEogToken: true,
      ...(penalised
        ? {
            repeatPenalty: {
              punishTokens: () => [...written],
              maxPunishTokens: window,
              penalty: 1,
              frequencyPenalty,
              presencePenalty,
            },
          }
        : {}),
    }),
  }
}
