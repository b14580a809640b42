/** Bodies as Ollama's clients send them. Unknown fields pass; `null` means absent. */
import { z } from 'zod'
import { jsonObject, modelName, tandemField, toolName } from '../../fields.ts'
import { list } from '../../validate.ts'
import { keepAlive } from './keep-alive.ts'

const MAX_MESSAGES = 10_000
const MAX_CALLS = 512
const MAX_IMAGES = 1_000
const MAX_STOPS = 16

/** Those that change the answer are checked; the others are told apart in `translate.ts`. */
const options = z.looseObject({
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  top_k: z.int().min(0).nullish(),
  min_p: z.number().min(0).max(1).nullish(),
  seed: z.int().nullish(),
  /** Below 1: no limit of its own. */
  num_predict: z.int().min(-2).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  stop: z
    .union([z.string(), list(z.string(), MAX_STOPS)], {
      error: `expected a string or an array of at most ${MAX_STOPS} strings`,
    })
    .nullish(),
})
export type Options = z.infer<typeof options>

const images = list(z.string(), MAX_IMAGES).nullish()

const answering = {
  model: modelName,
  stream: z.boolean().nullish(),
  options: options.nullish(),
  format: z
    .union([z.enum(['', 'json']), jsonObject], { error: 'expected "json" or a JSON schema' })
    .nullish(),
  think: z.union([z.boolean(), z.string()]).nullish(),
  logprobs: z.boolean().nullish(),
  keep_alive: keepAlive,
  tandem: tandemField,
}

const tool = z.object({
  type: z.literal('function').default('function'),
  function: z.object({
    name: toolName,
    description: z.string().nullish(),
    parameters: jsonObject.nullish(),
  }),
})

const message = z.object({
  role: z.enum(['system', 'user', 'assistant', 'tool']),
  content: z.string().nullish(),
  images,
  tool_calls: list(
    z.object({
      id: z.string().nullish(),
      function: z.object({ name: z.string(), arguments: jsonObject.nullish() }),
    }),
    MAX_CALLS,
  ).nullish(),
  tool_name: z.string().nullish(),
  tool_call_id: z.string().nullish(),
})
export type Message = z.infer<typeof message>

export const ChatBody = z.object({
  ...answering,
  messages: list(message, MAX_MESSAGES).nullish(),
  tools: list(tool, MAX_CALLS).nullish(),
})
export type ChatBody = z.infer<typeof ChatBody>

export const GenerateBody = z.object({
  ...answering,
  prompt: z.string().nullish(),
  system: z.string().nullish(),
  raw: z.boolean().nullish(),
  images,
  suffix: z.string().nullish(),
  template: z.string().nullish(),
  context: list(z.int(), 1_000_000).nullish(),
})
export type GenerateBody = z.infer<typeof GenerateBody>

export const EmbedBody = z.object({
  model: modelName,
  /** Checked by hand in `textInputs`: how many there may be is a setting. */
  input: z.unknown().optional(),
  truncate: z.boolean().nullish(),
  dimensions: z.int().min(1).nullish(),
})

export const OldEmbedBody = z.object({ model: modelName, prompt: z.string().nullish() })

/** `name` is the old word for it. */
const named = z
  .object({ model: modelName.nullish(), name: modelName.nullish() })
  .transform(({ model, name }, context) => {
    const found = model ?? name
    if (found != null) return found
    context.addIssue({ code: 'custom', message: 'is required (expected string)', path: ['model'] })
    return z.NEVER
  })

export const ShowBody = named
export const PullBody = z.intersection(
  z.object({ stream: z.boolean().nullish() }),
  named.transform((model) => ({ model })),
)
