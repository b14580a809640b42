/** Ollama's routes and the seed's with a wrong field. */
import { PNG } from '../support/pictures.ts'
import { CHAT, CHAT_MODEL, EMBED_MODEL, post } from './row.ts'

const messages = [{ role: 'user', content: 'a' }]
const chat = (name: string, fields: object, message: RegExp, status = 400) =>
  post(`Ollama's chat: ${name}`, '/api/chat', { model: CHAT_MODEL, messages, ...fields }, message, { status })
const generate = (name: string, fields: object, message: RegExp) =>
  post(`Ollama's generate: ${name}`, '/api/generate', { model: CHAT_MODEL, prompt: 'a', ...fields }, message)
const embed = (name: string, fields: object, message: RegExp, status = 400) =>
  post(`Ollama's embed: ${name}`, '/api/embed', { model: EMBED_MODEL, ...fields }, message, { status })
const context = (name: string, value: unknown, message: RegExp) =>
  post(`context: ${name}`, CHAT, { messages, context: value }, message)

export const OLLAMA_REQUESTS = [
  chat('no model', { model: undefined }, /model: is required/),
  chat('an unknown model', { model: 'tandem-tiny-chta:latest' }, /did you mean tandem-tiny-chat/, 404),
  chat('an unknown project', { model: `${CHAT_MODEL}@nope` }, /no project "nope"/, 404),
  chat('an encoder', { model: EMBED_MODEL }, /does not serve chat/),
  chat('messages as text', { messages: 'hi' }, /messages: expected array/),
  chat('10,001 messages', { messages: Array(10_001).fill(0) }, /10001 elements, at most 10000/),
  chat('an unknown role', { messages: [{ role: 'x', content: 'a' }] }, /messages\.0\.role/),
  chat(
    'content in parts',
    { messages: [{ role: 'user', content: [] }] },
    /messages\.0\.content: expected string/,
  ),
  chat(
    'an image',
    { messages: [{ ...messages[0], images: [PNG] }] },
    /reads text only; no model here reads images/,
  ),
  chat(
    'an image that is none',
    { messages: [{ ...messages[0], images: ['aGk='] }] },
    /messages\.0\.images\.0: is no image of a known kind/,
  ),
  chat('options as text', { options: 'hot' }, /options: expected object/),
  chat('a temperature of 9', { options: { temperature: 9 } }, /options\.temperature/),
  chat(
    '17 stops',
    { options: { stop: Array(17).fill('x') } },
    /options\.stop: expected a string or an array/,
  ),
  chat('an unknown format', { format: 'xml' }, /format: expected "json" or a JSON schema/),
  chat('a schema that no grammar keeps', { format: { type: 'nonsense' } }, /schema/),
  chat('a tool without a name', { tools: [{ type: 'function', function: {} }] }, /tools\.0\.function\.name/),
  generate('a prompt of a number', { prompt: 5 }, /prompt: expected string/),
  generate('a system message with raw', { raw: true, system: 'x' }, /system: does not go with/),
  generate('a suffix', { suffix: 'x' }, /cannot fill in code/),
  generate('a context', { context: [1] }, /context: is not supported/),
  embed('a number', { input: [1] }, /input\.0: expected a string/),
  embed('101 inputs', { input: Array(101).fill('a') }, /101 inputs; at most 100/, 413),
  embed('dimensions of 7', { input: 'a', dimensions: 7 }, /7 is not one of 384/),
  embed('a text too long', { input: 'word '.repeat(2000), truncate: false }, /input: is longer than the 512/),
  post("Ollama's show: no name", '/api/show', {}, /model: is required/),
  post(
    "Ollama's pull: a name of a path",
    '/api/pull',
    { model: '../x', stream: false },
    /no model "\.\.\/x"/,
    {
      status: 404,
    },
  ),
  post("Ollama's delete", '/api/delete', { model: CHAT_MODEL }, /no route/, { status: 404 }),
  post('/embed: no text', '/embed', {}, /text: is required/),
  post('/embed: 101 texts', '/embed', { text: Array(101).fill('a') }, /101 inputs/, { status: 413 }),
  context('a text', 'hi', /context: expected what \/embed returns/),
  context('three dimensions', [[1, 2, 3]], /context\.0: has 3 dimensions; the index's vectors have 384/),
  context('text among numbers', Array(384).fill('1'), /context\.0: expected a finite number/),
  context('no project is there', [Array(384).fill(1)], /no project is indexed/),
]
