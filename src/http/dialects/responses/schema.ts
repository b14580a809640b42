/** Bodies of OpenAI's Responses. Unknown fields pass; `null` means absent, as it does there. */
import { z } from 'zod'
import { jsonObject, modelName, tandemField, toolName } from '../../fields.ts'
import { byType, list, stringOrList } from '../../validate.ts'

const MAX_ITEMS = 10_000
const MAX_PARTS = 1_000
const MAX_TOOLS = 512

const part = byType({
  input_text: z.object({ type: z.literal('input_text'), text: z.string() }),
  output_text: z.object({ type: z.literal('output_text'), text: z.string() }),
  text: z.object({ type: z.literal('text'), text: z.string() }),
  refusal: z.object({ type: z.literal('refusal'), refusal: z.string() }),
  input_image: z.object({
    type: z.literal('input_image'),
    image_url: z.string().nullish(),
    file_id: z.string().nullish(),
    detail: z.string().max(16).nullish(),
  }),
})
const content = stringOrList(part, MAX_PARTS)
export type Content = z.infer<typeof content>

const callId = z.string().min(1)
const calledName = z.string().min(1)
const namespace = z.string().nullish()

/** Without a type it is a message. */
const item = z.preprocess(
  (value) =>
    typeof value === 'object' && value !== null && 'role' in value && !('type' in value)
      ? { ...value, type: 'message' }
      : value,
  byType({
    message: z.object({
      type: z.literal('message'),
      role: z.enum(['user', 'assistant', 'system', 'developer']),
      content,
    }),
    function_call: z.object({
      type: z.literal('function_call'),
      call_id: callId,
      name: calledName,
      namespace,
      arguments: z.string(),
    }),
    function_call_output: z.object({
      type: z.literal('function_call_output'),
      call_id: callId,
      output: content,
    }),
    custom_tool_call: z.object({
      type: z.literal('custom_tool_call'),
      call_id: callId,
      name: calledName,
      namespace,
      input: z.string(),
    }),
    custom_tool_call_output: z.object({
      type: z.literal('custom_tool_call_output'),
      call_id: callId,
      output: content,
    }),
    // What another model thought is no part of the conversation that this one reads.
    reasoning: z.object({ type: z.literal('reasoning') }),
  }),
)
export type Item = z.infer<typeof item>

const ownTools = {
  function: z.object({
    type: z.literal('function'),
    name: toolName,
    description: z.string().nullish(),
    parameters: jsonObject.nullish(),
  }),
  custom: z.object({ type: z.literal('custom'), name: toolName, description: z.string().nullish() }),
}

const tool = byType({
  ...ownTools,
  namespace: z.object({
    type: z.literal('namespace'),
    name: toolName,
    tools: list(byType(ownTools), MAX_TOOLS),
  }),
})
export type Tool = z.infer<typeof tool>

const prompt = {
  model: modelName,
  input: stringOrList(item, MAX_ITEMS),
  instructions: z.string().nullish(),
  tools: list(tool, MAX_TOOLS).nullish(),
  tool_choice: z
    .union(
      [
        z.enum(['auto', 'none', 'required']),
        z.object({ type: z.enum(['function', 'custom']), name: z.string(), namespace }),
      ],
      { error: 'expected auto, none, required or {"type":"function","name":NAME}' },
    )
    .nullish(),
  previous_response_id: z.string().nullish(),
  conversation: z.unknown().optional(),
  prompt: z.unknown().optional(),
}

export const InputTokensBody = z.object(prompt)
export type InputTokensBody = z.infer<typeof InputTokensBody>

export const ResponsesBody = z.object({
  ...prompt,
  max_output_tokens: z.int().min(1).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  top_logprobs: z.int().min(0).nullish(),
  text: z
    .object({
      format: z
        .discriminatedUnion(
          'type',
          [
            z.object({ type: z.literal('text') }),
            z.object({ type: z.literal('json_object') }),
            z.object({ type: z.literal('json_schema'), schema: jsonObject }),
          ],
          { error: 'expected an object with a type of: text, json_object, json_schema' },
        )
        .nullish(),
    })
    .nullish(),
  stream: z.boolean().nullish(),
  background: z.boolean().nullish(),
  metadata: z.record(z.string(), z.unknown()).nullish(),
  tandem: tandemField,
})
export type ResponsesBody = z.infer<typeof ResponsesBody>
