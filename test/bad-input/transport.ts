/** Routes, hosts, origins, and bytes that are no HTTP. */
import { CHAT, get, post, preflight, raw, remove } from './row.ts'

const head = (line: string, headers: string) => `${line}\r\n${headers}\r\n\r\n`

const PROJECTS = '/tandem/v1/projects'

export const TRANSPORT = [
  get('an unknown route', '/v2/everything', /no route GET \/v2\/everything/, { status: 404 }),
  post('a route without /v1', '/chat/completions', {}, /under \/v1\/chat\/completions/, { status: 404 }),
  post('reranking without /v1', '/rerank', {}, /under \/v1\/rerank/, { status: 404 }),
  get('a traversal of the route', '/../../etc/passwd', /no route/, { status: 404 }),
  post('a shutdown over HTTP', '/tandem/v1/shutdown', {}, /no route/, { status: 404 }),
  get('a wrong escape', '/v1/models/%zz', /escape/),
  get('GET where POST belongs', CHAT, /takes POST/, { status: 405 }),
  remove('DELETE of everything', PROJECTS, /takes GET, POST/, { status: 405 }),
  get('an unknown model to show', '/v1/models/org%2Fnope', /no model "org\/nope"/, {
    param: 'model',
    status: 404,
  }),
  get('a foreign Host', '/v1/models', /Host "evil\.example"/, {
    status: 403,
    headers: { host: 'evil.example' },
  }),
  post('a foreign Host with a port', CHAT, {}, /Host/, {
    status: 403,
    headers: { host: 'rebind.evil.example:8420' },
  }),
  get('a Host that begins like ours', '/health', /Host/, {
    status: 403,
    headers: { host: 'localhost.evil.example' },
  }),
  post('a foreign Origin', CHAT, {}, /origin "http:\/\/evil\.example"/, {
    status: 403,
    headers: { origin: 'http://evil.example' },
  }),
  post('the Origin of another local port', CHAT, {}, /origin/, {
    status: 403,
    headers: { origin: 'http://localhost:3000' },
  }),
  get('the Origin null', '/v1/models', /origin "null"/, { status: 403, headers: { origin: 'null' } }),
  preflight('a foreign preflight', CHAT, /origin/, {
    status: 403,
    headers: { origin: 'http://evil.example', 'access-control-request-method': 'POST' },
  }),
  get('headers of 20 kB', '/health', /headers have more/, {
    status: 431,
    headers: { 'x-long': 'x'.repeat(20_000) },
  }),
  get('an address of 20 kB', `/v1/models/${'x'.repeat(20_000)}`, /address and headers/, { status: 431 }),
  get('an address part of 2,000 characters', `${PROJECTS}/${'x'.repeat(2_000)}`, /too long|length/i),
  raw('no HTTP at all', 'hello\r\n\r\n', /not HTTP/),
  raw('TLS to a plain port', Buffer.from('16030100a5010000a1', 'hex'), /not HTTP/),
  raw('no Host', head('GET /health HTTP/1.0', 'x-a: b'), /Host/, 403),
  raw(
    'two lengths',
    head(`POST ${CHAT} HTTP/1.1`, 'host: localhost\r\ncontent-length: 5\r\ncontent-length: 6'),
    /not HTTP/,
  ),
  raw(
    'a length and chunks',
    head(`POST ${CHAT} HTTP/1.1`, 'host: localhost\r\ncontent-length: 5\r\ntransfer-encoding: chunked'),
    /not HTTP/,
  ),
  raw(
    'a length that is no number',
    head(`POST ${CHAT} HTTP/1.1`, 'host: localhost\r\ncontent-length: many'),
    /not HTTP/,
  ),
  raw('a NUL in a header', head('GET /health HTTP/1.1', 'host: localhost\r\nx-a: a\0b'), /not HTTP/),
  raw(
    'a chunk of a wrong size',
    `${head(`POST ${CHAT} HTTP/1.1`, 'host: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked')}zz\r\n{}\r\n0\r\n\r\n`,
    /not HTTP/,
  ),
]
