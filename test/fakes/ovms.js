#!/usr/bin/env node
/**
 * A stand-in for OpenVINO Model Server, made from its documents (openvinotoolkit/model_server): what it does not know, it refuses.
 *
 * - command line: docs/parameters.md, docs/starting_server.md
 * - `config.json`: docs/mediapipe.md (`mediapipe_config_list`: `name`, `base_path`)
 * - graphs: src/graph_export/graph_export.cpp
 * - `/v1/config`: docs/model_server_rest_api_tfs.md, "Config Status API"; `{}` while a graph loads
 * - `/v2/health/ready`: docs/model_server_rest_api_kfs.md; 200 also where the only graph did not load
 * - `/v3/embeddings`: docs/model_server_rest_api_embeddings.md; `/v3/rerank`: docs/model_server_rest_api_rerank.md;
 *   `/v3/chat/completions`: docs/model_server_rest_api_chat.md
 *
 * - the API key: docs/security_considerations.md (API_KEY, asked for below /v3)
 *
 * FAKE_OVMS_DEVICES: what OpenVINO sees (default: CPU). FAKE_OVMS_EXIT: ends with this code when it is asked for an embedding.
 * FAKE_OVMS_DEAF: lives on then, and listens no more.
 */
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { isAbsolute, join } from 'node:path'

const FLAGS = ['rest_port', 'rest_bind_address', 'config_path', 'file_system_poll_wait_seconds', 'log_level']
const CALCULATORS = {
  EmbeddingsCalculatorOV: {
    task: 'embed',
    fields: ['models_path', 'normalize_embeddings', 'truncate', 'pooling', 'target_device'],
  },
  RerankCalculatorOV: { task: 'rerank', fields: ['models_path', 'target_device'] },
  HttpLLMCalculator: {
    task: 'chat',
    fields: ['models_path', 'device', 'cache_size', 'enable_prefix_caching'],
  },
}
const LOAD_MS = 100

const options = readOptions(process.argv.slice(2))
const { name, base_path: folder } = readConfig(options['config_path'])
const graph = readGraph(join(folder, 'graph.pbtxt'))
let state
setTimeout(() => {
  state = load()
}, LOAD_MS)

function readOptions(args) {
  const given = {}
  for (let at = 0; at < args.length; at += 2) {
    const flag = args[at].replace(/^--/, '')
    if (!args[at].startsWith('--') || !FLAGS.includes(flag) || args[at + 1] === undefined)
      end(`error parsing options: Option '${flag}' does not exist`)
    given[flag] = args[at + 1]
  }
  if (!given['rest_port'] || !given['config_path']) end('error parsing options: rest_port or config_path')
  return given
}

function readConfig(path) {
  const {
    model_config_list: models,
    mediapipe_config_list: graphs,
    ...rest
  } = JSON.parse(readFileSync(path, 'utf8'))
  const [entry, ...others] = graphs
  const unknown = Object.keys(entry).filter((key) => key !== 'name' && key !== 'base_path')
  if (models.length > 0 || others.length > 0 || Object.keys(rest).length > 0 || unknown.length > 0)
    end('Configuration file is not in valid configuration format')
  if (!isAbsolute(entry.base_path)) end('base_path is relative')
  return entry
}

function readGraph(path) {
  const text = readFileSync(path, 'utf8')
  const calculator = /^ {2}calculator: "(\w+)"$/m.exec(text)?.[1]
  const known = CALCULATORS[calculator]
  if (!known) end(`Unable to find Calculator "${calculator}"`)
  const [, kind, block] =
    /node_options: \{\s*\[type\.googleapis\.com \/ mediapipe\.(\w+)Options\]: \{([^}]*)\}/.exec(text) ?? []
  const wanted = known.task === 'chat' ? 'LLMCalculator' : calculator
  if (kind !== wanted) end(`Could not find type "type.googleapis.com/mediapipe.${kind}Options"`)
  const fields = Object.fromEntries(
    block
      .trim()
      .split('\n')
      .map((line) => /^\s*(\w+): (.+)$/.exec(line).slice(1)),
  )
  for (const field of Object.keys(fields)) if (!known.fields.includes(field)) end(`no field named "${field}"`)
  const device = JSON.parse(fields.target_device ?? fields.device ?? '"CPU"')
  return { task: known.task, device, models: JSON.parse(fields.models_path), pooling: fields.pooling }
}

function load() {
  const log = (level, text) =>
    console.log(`[2026-11-26 06:00:00.000][4764][serving][${level}][servable_initializer.cpp:214] ${text}`)
  const devices = (process.env.FAKE_OVMS_DEVICES ?? 'CPU').split(',')
  const fail = (why) => {
    log('error', why)
    log(
      'info',
      `Mediapipe: ${name} state changed to: LOADING_PRECONDITION_FAILED after handling: ValidationFailedEvent:`,
    )
    return 'LOADING_PRECONDITION_FAILED'
  }
  if (!devices.includes(graph.device))
    return fail(
      `Error during ${graph.task} node initialization for models_path: ${graph.models} exception: Exception from src/inference/src/cpp/core.cpp:112: Device with "${graph.device}" name is not registered in the OpenVINO Runtime`,
    )
  for (const file of ['openvino_model.xml', 'openvino_tokenizer.xml'])
    if (!existsSync(join(graph.models, file))) return fail(`Failed to open '${join(graph.models, file)}'`)
  if (readFileSync(join(graph.models, 'openvino_model.xml'), 'utf8') !== '<net/>')
    return fail(
      `Error during ${graph.task} node initialization for models_path: ${graph.models} exception: Unable to read the model`,
    )
  log('info', `Mediapipe: ${name} state changed to: AVAILABLE after handling: ValidationPassedEvent:`)
  return 'AVAILABLE'
}

const TASKS = { '/v3/embeddings': 'embed', '/v3/rerank': 'rerank', '/v3/chat/completions': 'chat' }
const ROUTES = {
  'GET /v2/health/ready': () => (state === undefined ? [503] : [200]),
  'GET /v1/config': () => [
    200,
    state === undefined
      ? {}
      : {
          [name]: {
            model_version_status: [
              { version: '1', state, status: { error_code: 'OK', error_message: 'OK' } },
            ],
          },
        },
  ],
  'POST /v3/embeddings': (body) => {
    if (process.env.FAKE_OVMS_EXIT) process.exit(Number(process.env.FAKE_OVMS_EXIT))
    if (process.env.FAKE_OVMS_DEAF) server.close(() => setInterval(() => {}, 60_000))
    const data = body.input.map((text, index) => ({
      object: 'embedding',
      index,
      embedding: [text.length, graph.pooling === 'MEAN' ? 1 : 2, 3],
    }))
    return [
      200,
      { object: 'list', data, usage: { prompt_tokens: 4 * data.length, total_tokens: 4 * data.length } },
    ]
  },
  'POST /v3/rerank': ({ query, documents }) => [
    200,
    {
      results: documents
        .map((text, index) => ({ index, relevance_score: text.includes(query) ? 0.9 : 0.1 }))
        .sort((a, b) => b.relevance_score - a.relevance_score),
    },
  ],
  'POST /v3/chat/completions': ({ stream }) => {
    if (!stream) return [400, { error: 'this stand-in only streams' }]
    const chunks = ['Hello', ' from', ' ', graph.device].map((content) => ({
      choices: [{ index: 0, logprobs: null, finish_reason: null, delta: { content } }],
      object: 'chat.completion.chunk',
      model: name,
    }))
    chunks.push({ choices: [{ index: 0, logprobs: null, finish_reason: 'stop', delta: { content: '' } }] })
    chunks.push({ choices: [], usage: { prompt_tokens: 7, completion_tokens: 4, total_tokens: 11 } })
    return [200, `${chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join('')}data: [DONE]\n\n`]
  },
}

const server = createServer(async (request, response) => {
  let text = ''
  for await (const part of request) text += part
  const route = ROUTES[`${request.method} ${request.url}`]
  const body = text === '' ? {} : JSON.parse(text)
  const named = request.method === 'GET' || (body.model === name && graph.task === TASKS[request.url])
  const { API_KEY: key } = process.env
  const isStranger =
    key && request.url.startsWith('/v3/') && request.headers.authorization !== `Bearer ${key}`
  const [status, answer = ''] = isStranger
    ? [401, { error: 'Unauthorized' }]
    : !route
      ? [404, { error: 'Invalid request URL' }]
      : named
        ? route(body)
        : [404, { error: 'Mediapipe graph definition with requested name is not found' }]
  const type = typeof answer === 'string' ? 'text/event-stream' : 'application/json'
  response
    .writeHead(status, { 'content-type': type })
    .end(typeof answer === 'string' ? answer : JSON.stringify(answer))
}).listen(Number(options['rest_port']), options['rest_bind_address'] ?? '0.0.0.0')

function end(why) {
  console.error(why)
  process.exit(1)
}
