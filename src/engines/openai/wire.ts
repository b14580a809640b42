/** What servers answer, as loosely as they may: fields that nobody reads here are left out. */
import { z } from 'zod'

const Usage = z
  .object({
    prompt_tokens: z.number().default(0),
    completion_tokens: z.number().default(0),
    prompt_tokens_details: z.object({ cached_tokens: z.number().nullish() }).nullish(),
  })
  .nullish()
export type WireUsage = z.infer<typeof Usage>

/** A chunk of `/chat/completions` (OpenAI's reference; llama-server tools/server/README.md). */
export const ChatChunk = z.object({
  choices: z
    .array(
      z.object({
        finish_reason: z.string().nullish(),
        delta: z
          .object({
            content: z.string().nullish(),
            tool_calls: z
              .array(
                z.object({
                  index: z.number().default(0),
                  id: z.string().nullish(),
                  function: z
                    .object({ name: z.string().nullish(), arguments: z.string().nullish() })
                    .nullish(),
                }),
              )
              .nullish(),
          })
          .nullish(),
      }),
    )
    .default([]),
  usage: Usage,
})

/** A chunk of `/completions`. */
export const CompletionChunk = z.object({
  choices: z.array(z.object({ finish_reason: z.string().nullish(), text: z.string().nullish() })).default([]),
  usage: Usage,
})

/** A chunk of llama-server's `/completion` (its README: "POST /completion"). */
export const RawChunk = z.object({
  content: z.string(),
  tokens: z.array(z.number()).default([]),
  stop: z.boolean(),
  tokens_predicted: z.number().default(0),
  tokens_evaluated: z.number().default(0),
  stop_type: z.string().optional(),
  timings: z.object({ cache_n: z.number().default(0) }).optional(),
})

/** llama-server's `/props` (its README: "GET /props"). */
export const Props = z.object({
  /** `router`: it has several models, and asks a process of its own for each. */
  role: z.string().optional(),
  total_slots: z.number().default(1),
  model_path: z.string().optional(),
  build_info: z.string().optional(),
  chat_template: z.string().default(''),
  bos_token: z.string().optional(),
  eos_token: z.string().optional(),
  modalities: z.object({ vision: z.boolean().optional() }).optional(),
  default_generation_settings: z.object({ n_ctx: z.number().optional() }).default({}),
})

export const Tokens = z.object({ tokens: z.array(z.number()) })
export const Content = z.object({ content: z.string() })
export const Prompt = z.object({ prompt: z.string() })

/** Of llama-server's `/v1/models`; old ones do not tell it. */
export const Vocabulary = z.object({
  data: z.array(z.object({ id: z.string(), meta: z.object({ n_vocab: z.number().optional() }).nullish() })),
})

export const Embeddings = z.object({
  data: z.array(z.object({ index: z.number().int().min(0), embedding: z.array(z.number()).min(1) })),
  usage: z.object({ prompt_tokens: z.number().default(0) }).nullish(),
})

/** Jina's form of a ranking, which llama-server, vLLM, OVMS and Tandem have; unordered or ordered. */
export const Ranking = z.object({
  results: z.array(z.object({ index: z.number().int().min(0), relevance_score: z.number() })),
  usage: z.object({ prompt_tokens: z.number().default(0) }).nullish(),
})
