/** Chats, completions and embeddings with a wrong field. */
import { CHAT_MODEL, chat, complete, EMBED_MODEL, embed } from './row.ts'

export const MODEL_REQUESTS = [
  chat('no model', { model: undefined }, /model: is required/, { param: 'model' }),
  chat('model null', { model: null }, /model: expected string/, { param: 'model' }),
  chat('an empty model', { model: '' }, /model: must not be empty/, { param: 'model' }),
  chat('an unknown model', { model: 'tandem-tiny-chta' }, /did you mean tandem-tiny-chat/, {
    param: 'model',
    status: 404,
  }),
  chat('a model name of 10,000 characters', { model: 'x'.repeat(10_000) }, /more than 300/, {
    param: 'model',
  }),
  chat(
    'an encoder asked to chat',
    { model: EMBED_MODEL },
    /does not serve chat; these do: tandem-tiny-chat/,
    { param: 'model' },
  ),
  chat('an unknown project in the model name', { model: `${CHAT_MODEL}@nope` }, /no project "nope"/, {
    status: 404,
  }),
  chat('an unknown project in the field', { tandem: { project: 'nope' } }, /no project "nope"/, {
    status: 404,
  }),
  chat('a path as project', { tandem: { project: '../../etc' } }, /no project/, { status: 404 }),
  chat('tandem as text', { tandem: 'demo' }, /tandem: expected object/, { param: 'tandem' }),
  chat('no messages', { messages: undefined }, /messages: is required/, { param: 'messages' }),
  chat('messages as text', { messages: 'hi' }, /messages: expected array/, { param: 'messages' }),
  chat('empty messages', { messages: [] }, /at least one message/, { param: 'messages' }),
  chat('a message that is a number', { messages: [5] }, /messages\.0/),
  chat(
    '10,001 messages',
    { messages: Array.from({ length: 10_001 }, () => 0) },
    /10001 elements, at most 10000/,
    { param: 'messages' },
  ),
  chat('an unknown role', { messages: [{ role: 'robot', content: 'x' }] }, /role of: system, developer/, {
    param: 'messages.0.role',
  }),
  chat(
    'content as a number',
    { messages: [{ role: 'user', content: 5 }] },
    /expected a string or an array of parts/,
    { param: 'messages.0.content' },
  ),
  chat(
    'an image',
    { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:,' } }] }] },
    /messages\.0\.content\.0\.image_url\.url: expected data:image/,
  ),
  chat(
    'a tool answer without its call',
    { messages: [{ role: 'tool', content: 'x' }] },
    /tool_call_id: is required/,
  ),
  chat('two answers', { n: 2 }, /n: only 1/, { param: 'n' }),
  chat('log probabilities', { logprobs: true }, /logprobs: is not supported/, { param: 'logprobs' }),
  chat('audio', { modalities: ['audio'], audio: {} }, /only text/, { param: 'modalities' }),
  chat('the old functions', { functions: [{ name: 'f' }] }, /send `tools`/, { param: 'functions' }),
  chat('temperature as text', { temperature: 'hot' }, /temperature: expected number/, {
    param: 'temperature',
  }),
  chat('temperature 99', { temperature: 99 }, /temperature: .*2/, { param: 'temperature' }),
  chat('negative max_tokens', { max_tokens: -1 }, /max_tokens/, { param: 'max_tokens' }),
  chat('half a token', { max_completion_tokens: 0.5 }, /max_completion_tokens/, {
    param: 'max_completion_tokens',
  }),
  chat('stop as a number', { stop: 5 }, /stop: expected a string or an array/, { param: 'stop' }),
  chat('seed as text', { seed: 'x' }, /seed: expected/, { param: 'seed' }),
  chat('stream as text', { stream: 'true' }, /stream: expected boolean/, { param: 'stream' }),
  chat('an unknown response format', { response_format: { type: 'xml' } }, /text, json_object, json_schema/),
  chat(
    'a JSON schema without its schema',
    { response_format: { type: 'json_schema', json_schema: { name: 'x' } } },
    /schema/,
  ),
  chat('tools as an object', { tools: {} }, /tools: expected array/, { param: 'tools' }),
  chat(
    'a tool name with spaces',
    { tools: [{ type: 'function', function: { name: 'a b' } }] },
    /letters, digits/,
  ),
  chat('a choice among no tools', { tool_choice: 'required' }, /needs `tools`/, { param: 'tool_choice' }),
  chat(
    'a prompt over the window',
    { messages: [{ role: 'user', content: 'word '.repeat(20_000) }] },
    /window is \d+ tokens, the prompt has \d+/,
  ),
  chat('an unknown priority', {}, /allowed: interactive, bulk/, {
    param: 'x-tandem-priority',
    headers: { 'x-tandem-priority': 'urgent' },
  }),
  complete('completion: two prompts', { prompt: ['a', 'b'] }, /array of one/, { param: 'prompt' }),
  complete('completion: token ids', { prompt: [1, 2, 3] }, /prompt/, { param: 'prompt' }),
  complete('completion: echo', { echo: true }, /echo/, { param: 'echo' }),
  complete(
    'completion: a prompt over the window',
    { prompt: 'word '.repeat(20_000) },
    /window is \d+ tokens/,
  ),
  embed('embeddings: no input', { input: undefined }, /input: expected/, { param: 'input' }),
  embed('embeddings: an empty array', { input: [] }, /at least one input/, { param: 'input' }),
  embed(
    'embeddings: a wrong token id behind longer texts',
    {
      input: [
        [1, 2, 3],
        [4, 99_999_999],
      ],
    },
    /99999999/,
    {
      param: 'input.1',
    },
  ),
  embed('embeddings: empty token ids', { input: [[]] }, /at least one token/, { param: 'input.0' }),
  embed('embeddings: mixed inputs', { input: ['a', 1] }, /input\.1: expected a string/, { param: 'input.1' }),
  embed('embeddings: a negative token', { input: [1, -2] }, /token id/, { param: 'input.1' }),
  embed('embeddings: a token outside the vocabulary', { input: [2_000_000_000] }, /token/),
  embed(
    'embeddings: too many inputs',
    { input: Array.from({ length: 101 }, () => 'a') },
    /101 inputs; at most 100/,
    { param: 'input', status: 413 },
  ),
  embed(
    'embeddings: 40,000 numbers that are none',
    { input: Array.from({ length: 40_000 }, () => null) },
    /40000 inputs/,
    { status: 413 },
  ),
  embed('embeddings: an unknown encoding', { encoding_format: 'hex' }, /encoding_format/, {
    param: 'encoding_format',
  }),
  embed('embeddings: dimensions that the model lacks', { dimensions: 100 }, /100 is not one of 384, 128/, {
    param: 'dimensions',
  }),
  embed('embeddings: a chat model', { model: CHAT_MODEL }, /does not serve embed/, { param: 'model' }),
]
