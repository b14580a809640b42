/** Anthropic's Messages and OpenAI's Responses with a wrong field. */
import { PNG } from '../support/pictures.ts'
import { CHAT_MODEL, EMBED_MODEL, message, post, respond } from './row.ts'

const MESSAGES = '/v1/messages'

export const DIALECT_REQUESTS = [
  message('Messages: no model', { model: undefined }, /model: is required/),
  message('Messages: an unknown model', { model: 'tandem-tiny-chta' }, /did you mean tandem-tiny-chat/, {
    status: 404,
  }),
  message('Messages: an encoder asked to chat', { model: EMBED_MODEL }, /does not serve chat/),
  message('Messages: no max_tokens', { max_tokens: undefined }, /max_tokens: is required/),
  message('Messages: an unknown project', { model: `${CHAT_MODEL}@nope` }, /no project "nope"/, {
    status: 404,
  }),
  message('Messages: messages as text', { messages: 'hi' }, /messages: expected array/),
  message(
    'Messages: 10,001 messages',
    { messages: Array.from({ length: 10_001 }, () => 0) },
    /10001 elements, at most 10000/,
  ),
  message(
    'Messages: an image',
    {
      messages: [
        {
          role: 'user',
          content: [{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } }],
        },
      ],
    },
    /reads text only; no model here reads images/,
  ),
  message(
    'Messages: a block without a type',
    { messages: [{ role: 'user', content: [{ text: 'x' }] }] },
    /messages\.0\.content\.0\.type: is required/,
  ),
  message(
    'Messages: a tool of Anthropic',
    { tools: [{ type: 'bash_20250124', name: 'bash' }] },
    /"bash_20250124"/,
  ),
  message(
    'Messages: a schema that no grammar keeps',
    { output_config: { format: { type: 'json_schema', schema: { type: 'nonsense' } } } },
    /schema/,
  ),
  post('Messages: a body that is an array', MESSAGES, [], /the body: expected object/),
  post(
    'Messages: a count without messages',
    `${MESSAGES}/count_tokens`,
    { model: CHAT_MODEL },
    /messages: is required/,
  ),
  respond('Responses: no input', { input: undefined }, /input: is required/, { param: 'input' }),
  respond('Responses: input as a number', { input: 5 }, /input: expected a string or an array/, {
    param: 'input',
  }),
  respond('Responses: an item that is a number', { input: [5] }, /input\.0: expected object/, {
    param: 'input.0',
  }),
  respond(
    'Responses: an unknown item',
    { input: [{ type: 'item_reference', id: 'x' }] },
    /"item_reference"/,
    {
      param: 'input.0.type',
    },
  ),
  respond('Responses: an answer of before', { previous_response_id: 'resp_1' }, /no answer is stored here/, {
    param: 'previous_response_id',
  }),
  respond('Responses: an unknown tool', { tools: [{ type: 'file_search' }] }, /allowed: function, custom/, {
    param: 'tools.0.type',
  }),
  respond(
    'Responses: an unknown format',
    { text: { format: { type: 'xml' } } },
    /text, json_object, json_schema/,
  ),
  respond('Responses: stream as text', { stream: 'true' }, /stream: expected boolean/, { param: 'stream' }),
]
