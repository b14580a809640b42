/** Bodies of llama-server's own routes, as editors send them. Unknown fields pass; `null` means absent. */
import { z } from 'zod'
import { modelName } from '../../fields.ts'
import { list } from '../../validate.ts'

/** Reading a text as tokens keeps a worker busy: a megabyte takes it about a second. */
const MAX_CHARACTERS = 1_000_000
const MAX_TOKENS = 250_000
const MAX_EXTRA = 256
const MAX_STOPS = 16
const MAX_FIELDS = 64

const text = z.string().max(MAX_CHARACTERS, `has more than ${MAX_CHARACTERS} characters`)

/** These routes name no model there, for a llama-server has one. */
const model = modelName.nullish()

export const TokenizeBody = z.object({
  model,
  content: text,
  add_special: z.boolean().nullish(),
  parse_special: z.boolean().nullish(),
  with_pieces: z.boolean().nullish(),
})
export type TokenizeBody = z.infer<typeof TokenizeBody>

export const DetokenizeBody = z.object({ model, tokens: list(z.int().min(0), MAX_TOKENS) })

export const InfillBody = z.object({
  model,
  input_prefix: text,
  input_suffix: text,
  /** Stands after the prefix there: what the user has begun to write. */
  prompt: text.nullish(),
  input_extra: list(z.object({ filename: z.string().max(1_024).nullish(), text }), MAX_EXTRA).nullish(),
  /** -1: no limit of its own; 0: the prompt is read, and nothing is written. */
  n_predict: z.int().min(-1).nullish(),
  /** Below 0: the likeliest token, as 0 is. */
  temperature: z.number().min(-1).max(100).nullish(),
  /** -1, as 0: all tokens. */
  top_k: z.int().min(-1).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  min_p: z.number().min(0).max(1).nullish(),
  seed: z.int().nullish(),
  stop: list(z.string(), MAX_STOPS).nullish(),
  stream: z.boolean().nullish(),
  response_fields: list(z.string().min(1).max(100), MAX_FIELDS).nullish(),
})
export type InfillBody = z.infer<typeof InfillBody>
