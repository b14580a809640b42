/** Bodies as Anthropic's clients send them. Unknown fields pass; `null` means absent. */
import { z } from 'zod'
import { jsonObject, modelName, tandemField, toolName } from '../../fields.ts'
import { byType, list, stringOrList } from '../../validate.ts'

const MAX_MESSAGES = 10_000
const MAX_BLOCKS = 1_000
const MAX_TOOLS = 512
const MAX_STOPS = 16

const text = z.object({ type: z.literal('text'), text: z.string() })

const image = z.object({
  type: z.literal('image'),
  source: byType({
    base64: z.object({ type: z.literal('base64'), data: z.string() }),
    url: z.object({ type: z.literal('url'), url: z.string() }),
  }),
})
export type Image = z.infer<typeof image>

/** Of a system prompt. */
const textBlocks = stringOrList(byType({ text }), MAX_BLOCKS)
export type TextContent = z.infer<typeof textBlocks>

/** Of a tool's result. */
const resultBlocks = stringOrList(byType({ text, image }), MAX_BLOCKS)

const block = byType({
  text,
  image,
  tool_use: z.object({
    type: z.literal('tool_use'),
    id: z.string().min(1),
    name: z.string().min(1),
    input: z.record(z.string(), z.unknown()).nullish(),
  }),
  tool_result: z.object({
    type: z.literal('tool_result'),
    tool_use_id: z.string().min(1),
    content: resultBlocks.nullish(),
    is_error: z.boolean().nullish(),
  }),
  // What another model thought is no part of the conversation that this one reads.
  thinking: z.object({ type: z.literal('thinking') }),
  redacted_thinking: z.object({ type: z.literal('redacted_thinking') }),
})
export type Block = z.infer<typeof block>

const message = z.object({
  role: z.enum(['user', 'assistant', 'system']),
  content: stringOrList(block, MAX_BLOCKS),
})
export type Message = z.infer<typeof message>

const tool = z.object({
  /** Absent or `custom`: a tool of the client; anything else is one that Anthropic defines. */
  type: z.string().nullish(),
  name: toolName,
  description: z.string().nullish(),
  input_schema: jsonObject.nullish(),
})

const prompt = {
  model: modelName,
  messages: list(message, MAX_MESSAGES),
  system: textBlocks.nullish(),
  tools: list(tool, MAX_TOOLS).nullish(),
  tool_choice: z
    .discriminatedUnion(
      'type',
      [
        z.object({ type: z.literal('auto') }),
        z.object({ type: z.literal('any') }),
        z.object({ type: z.literal('tool'), name: z.string() }),
        z.object({ type: z.literal('none') }),
      ],
      { error: 'expected an object with a type of: auto, any, tool (with a `name`), none' },
    )
    .nullish(),
  mcp_servers: z.array(z.unknown()).nullish(),
}

export const CountBody = z.object(prompt)
export type CountBody = z.infer<typeof CountBody>

export const MessagesBody = z.object({
  ...prompt,
  max_tokens: z.int().min(1),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  top_k: z.int().min(0).nullish(),
  stop_sequences: list(z.string().min(1), MAX_STOPS).nullish(),
  stream: z.boolean().nullish(),
  output_config: z
    .object({
      format: z
        .object({
          type: z.literal('json_schema', 'expected json_schema'),
          schema: jsonObject,
        })
        .nullish(),
    })
    .nullish(),
  tandem: tandemField,
})
export type MessagesBody = z.infer<typeof MessagesBody>
