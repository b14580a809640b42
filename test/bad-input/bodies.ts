/** Bodies that are no JSON, or too much of it. */
import { CHAT, EMBED, EMBED_MODEL, LIMITS, post } from './row.ts'

export const BODIES = [
  post('malformed JSON', CHAT, '{"model":', /not valid JSON/),
  post('a trailing comma', CHAT, '{"model":"m",}', /not valid JSON/),
  post('two documents', CHAT, '{}{}', /not valid JSON/),
  post('an empty body', CHAT, '', /body/),
  post('a JSON string', CHAT, '"hello"', /expected object/),
  post('a JSON array', CHAT, '[]', /expected object/),
  post('JSON null', CHAT, 'null', /expected object/),
  post('a raw NUL byte in a string', EMBED, '{"input":"\0"}', /not valid JSON/),
  post('NUL bytes alone', EMBED, Buffer.alloc(64), /not valid JSON/),
  post('invalid UTF-8', EMBED, Buffer.from('{"input":"\xff\xfe"}', 'latin1'), /UTF-8/),
  post('an overlong UTF-8 sequence', EMBED, Buffer.from([0x22, 0xc0, 0x80, 0x22]), /UTF-8/),
  post('UTF-16', EMBED, Buffer.from('{"input":"a"}', 'utf16le'), /not valid JSON/),
  post('arrays nested 100,000 deep', CHAT, '['.repeat(100_000), /nested deeper than 128/),
  post(
    'objects nested 20,000 deep',
    CHAT,
    `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`,
    /nested deeper/,
  ),
  post(
    'a body over the limit',
    EMBED,
    { model: EMBED_MODEL, input: 'x'.repeat(LIMITS.maxBodyBytes) },
    /more than 262144 bytes/,
    { status: 413 },
  ),
  post('text/plain', CHAT, '{}', /application\/json/, {
    status: 415,
    headers: { 'content-type': 'text/plain' },
  }),
  post('a form', CHAT, 'model=m', /application\/json/, {
    status: 415,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  }),
  post('no content type', CHAT, '{}', /application\/json/, { status: 415, headers: { 'content-type': '' } }),
  post(
    '__proto__ as the model',
    CHAT,
    '{"model":{"__proto__":{"a":1}},"messages":[]}',
    /model: expected string/,
  ),
]
