/** Bodies as OpenAI's clients send them. Unknown fields pass; `null` means absent, as it does there. */
import { z } from 'zod'
import { jsonObject, modelName, tandemField, toolName } from '../../fields.ts'
import { list } from '../../validate.ts'

const MAX_MESSAGES = 10_000
const MAX_PARTS = 1_000
const MAX_TOOLS = 512
const MAX_STOPS = 16
/** A query goes to the model with each document. */
const MAX_QUERY_CHARACTERS = 32_768

const sampling = {
  max_tokens: z.int().min(1).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  top_k: z.int().min(0).nullish(),
  min_p: z.number().min(0).max(1).nullish(),
  seed: z.int().nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  stop: z
    .union([z.string().min(1), list(z.string().min(1), MAX_STOPS)], {
      error: `expected a string or an array of at most ${MAX_STOPS} strings, none of them empty`,
    })
    .nullish(),
  n: z.int().min(1).nullish(),
  logit_bias: z.record(z.string(), z.unknown()).nullish(),
}

const streaming = {
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
}

/** Only the type is looked at here: what a part must hold depends on it and on where it stands. */
const part = z.object({ type: z.string(), text: z.string().optional(), image_url: z.unknown().optional() })
const content = z.union([z.string(), list(part, MAX_PARTS)], {
  error: 'expected a string or an array of parts, each with a string `type`',
})

const toolCall = z.object({
  id: z.string(),
  type: z.literal('function').default('function'),
  function: z.object({ name: z.string(), arguments: z.string() }),
})

const message = z.discriminatedUnion(
  'role',
  [
    z.object({ role: z.literal('system'), content }),
    z.object({ role: z.literal('developer'), content }),
    z.object({ role: z.literal('user'), content }),
    z.object({
      role: z.literal('assistant'),
      content: content.nullish(),
      refusal: z.string().nullish(),
      tool_calls: list(toolCall, MAX_TOOLS).nullish(),
    }),
    z.object({ role: z.literal('tool'), content, tool_call_id: z.string() }),
  ],
  { error: 'expected a message with a role of: system, developer, user, assistant, tool' },
)

const tool = z.object({
  type: z.literal('function'),
  function: z.object({
    name: toolName,
    description: z.string().nullish(),
    parameters: jsonObject.nullish(),
  }),
})

export const ChatBody = z.object({
  ...sampling,
  ...streaming,
  /** May be absent beside `context`: the seed's own clients name none. */
  model: modelName.optional(),
  messages: list(message, MAX_MESSAGES),
  max_completion_tokens: z.int().min(1).nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().nullish(),
  modalities: list(z.string(), 16).nullish(),
  audio: z.unknown().optional(),
  functions: z.unknown().optional(),
  function_call: z.unknown().optional(),
  response_format: z
    .discriminatedUnion(
      'type',
      [
        z.object({ type: z.literal('text') }),
        z.object({ type: z.literal('json_object') }),
        z.object({ type: z.literal('json_schema'), json_schema: z.object({ schema: jsonObject }) }),
      ],
      { error: 'expected an object with a type of: text, json_object, json_schema' },
    )
    .nullish(),
  tools: list(tool, MAX_TOOLS).nullish(),
  tool_choice: z
    .union(
      [
        z.enum(['auto', 'none', 'required']),
        z.object({ type: z.literal('function'), function: z.object({ name: z.string() }) }),
      ],
      { error: 'expected auto, none, required or {"type":"function","function":{"name":NAME}}' },
    )
    .nullish(),
  tandem: tandemField,
  /** Checked by hand in `contextVector`: it holds hundreds of numbers. */
  context: z.unknown().optional(),
})
export type ChatBody = z.infer<typeof ChatBody>

/** Of an image part, read by `translate.ts` where one may stand. */
export const ImageUrl = z.object({ url: z.string(), detail: z.string().max(16).nullish() })

export const CompletionBody = z.object({
  ...sampling,
  ...streaming,
  model: modelName,
  prompt: z.unknown().optional(),
  echo: z.boolean().nullish(),
  best_of: z.int().nullish(),
  logprobs: z.int().nullish(),
  suffix: z.string().nullish(),
})
export type CompletionBody = z.infer<typeof CompletionBody>

export const EmbeddingsBody = z.object({
  model: modelName,
  /** Checked by hand in `embedInputs`: it may hold millions of numbers. */
  input: z.unknown().optional(),
  encoding_format: z.enum(['float', 'base64']).nullish(),
  dimensions: z.int().min(1).nullish(),
  /** `query`, `search_query` and the like ask for the model's query prefix, everything else for its passage prefix. */
  input_type: z.string().max(64).nullish(),
})
export type EmbeddingsBody = z.infer<typeof EmbeddingsBody>

export const RerankBody = z.object({
  model: modelName.nullish(),
  query: z
    .string()
    .max(MAX_QUERY_CHARACTERS, `has more than ${MAX_QUERY_CHARACTERS} characters`)
    .refine((text) => text.trim() !== '', 'must not be empty'),
  /** Checked by hand in `textInputs`: how many there may be is a setting. */
  documents: z.unknown().optional(),
  top_n: z.int().min(1).nullish(),
  return_documents: z.boolean().nullish(),
  max_tokens_per_doc: z.int().min(1).nullish(),
})
