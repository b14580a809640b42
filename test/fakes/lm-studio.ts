/**
 * A stand-in for LM Studio made from its documented interface: docs, developer/rest (list, load, unload), developer/rest/endpoints
 * (v0), developer/openai-compat. As it does, it answers unknown routes with 200 and an `error`, and loads a model once more at each
 * order.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { json } from 'node:stream/consumers'

interface Instance {
  readonly id: string
  readonly config: { readonly context_length: number; readonly parallel: number }
}

interface FakeModel {
  readonly type: 'llm' | 'embedding'
  readonly key: string
  readonly max_context_length: number
  instances: readonly Instance[]
}

export interface FakeLmStudioOptions {
  /** Keys of chat models that are in its memory from the start. */
  readonly loaded?: readonly string[]
  /** Before 0.4: no `/api/v1`. */
  readonly before04?: boolean
  /** "Just in Time model loading"; default: off, a model that is not loaded is refused. */
  readonly loadsByItself?: boolean
}

export interface FakeLmStudio {
  readonly url: string
  readonly port: number
  /** `POST path model`, in order. */
  readonly orders: readonly string[]
  /** Keys of what is in its memory, as often as it is. */
  inMemory(): readonly string[]
  stop(): Promise<void>
}

const CONTEXT_TOKENS = 4096
const WORDS = ['The ', 'queue ', 'is ', 'full.']

export async function startFakeLmStudio(options: FakeLmStudioOptions = {}): Promise<FakeLmStudio> {
  const models: FakeModel[] = [
    { type: 'llm', key: 'qwen2.5-coder-14b-instruct', max_context_length: 32768, instances: [] },
    { type: 'llm', key: 'gemma-3-270m-it-qat', max_context_length: 32768, instances: [] },
    {
      type: 'embedding',
      key: 'text-embedding-nomic-embed-text-v1.5',
      max_context_length: 2048,
      instances: [],
    },
  ]
  const orders: string[] = []
  for (const key of options.loaded ?? []) load(models.find((each) => each.key === key)!)
  const server = createServer((request, response) => void answer(request, response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const route = `${request.method} ${request.url}`
    const body = request.method === 'POST' ? ((await json(request)) as Record<string, unknown>) : {}
    const named = models.find(({ key }) => key === body['model'])
    if (request.method === 'POST') orders.push(`${route} ${String(body['model'] ?? body['instance_id'])}`)
    const send = (value: unknown, status = 200) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
    }
    if (options.before04 && route.includes('/api/v1/')) return send(unexpected(route))
    switch (route) {
      case 'GET /lmstudio-greeting':
        return send({ lmstudio: true })
      case 'GET /v1/models':
        return send({ object: 'list', data: models.map(({ key }) => ({ id: key, object: 'model' })) })
      case 'GET /api/v0/models':
        return send({ object: 'list', data: models.map(asBefore04) })
      case 'GET /api/v1/models':
        return send({ models: models.map(listed) })
      case 'POST /api/v1/models/load': {
        if (!named) return send({ error: { type: 'model_not_found', message: 'no such model' } }, 404)
        const { id } = load(named, body['context_length'] as number | undefined)
        return send({ type: named.type, instance_id: id, load_time_seconds: 0.1, status: 'loaded' })
      }
      case 'POST /api/v1/models/unload': {
        const id = body['instance_id']
        const owner = models.find(({ instances }) => instances.some((each) => each.id === id))
        if (!owner) return send({ error: { type: 'invalid_request', message: 'no such instance' } }, 404)
        owner.instances = owner.instances.filter((each) => each.id !== id)
        return send({ instance_id: id })
      }
      case 'POST /v1/chat/completions':
      case 'POST /v1/embeddings': {
        if (named && named.instances.length === 0 && options.loadsByItself) load(named)
        if (!named || named.instances.length === 0) return send(NOT_LOADED, 404)
        return route.endsWith('embeddings') ? send(vectors(body)) : chat(response)
      }
      default:
        return send(unexpected(route))
    }
  }

  function load(model: FakeModel, wanted = CONTEXT_TOKENS): Instance {
    const number = model.instances.length + 1
    const id = number === 1 ? model.key : `${model.key}:${number}`
    const config = { context_length: Math.min(wanted, model.max_context_length), parallel: 4 }
    model.instances = [...model.instances, { id, config }]
    return { id, config }
  }

  return {
    url: `http://127.0.0.1:${port}`,
    port,
    orders,
    inMemory: () => models.flatMap(({ key, instances }) => instances.map(() => key)),
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const NOT_LOADED = {
  error: {
    message: 'No models loaded. Please load a model in the developer page or use the lms load command.',
    type: 'invalid_request_error',
    param: 'model',
    code: 'model_not_found',
  },
}

function unexpected(route: string) {
  return { error: `Unexpected endpoint or method. (${route})` }
}

function listed({ type, key, max_context_length, instances }: FakeModel) {
  return {
    type,
    publisher: 'lmstudio-community',
    key,
    display_name: key,
    quantization: { name: 'Q4_K_M', bits_per_weight: 4 },
    size_bytes: 241410208,
    params_string: type === 'llm' ? '14B' : null,
    loaded_instances: instances,
    max_context_length,
    format: 'gguf',
    ...(type === 'llm' ? { capabilities: { vision: false, trained_for_tool_use: true } } : {}),
  }
}

function asBefore04({ type, key, max_context_length, instances: [first] }: FakeModel) {
  return {
    id: key,
    object: 'model',
    type: type === 'llm' ? 'llm' : 'embeddings',
    publisher: 'lmstudio-community',
    arch: 'qwen2',
    compatibility_type: 'gguf',
    quantization: 'Q4_K_M',
    state: first ? 'loaded' : 'not-loaded',
    max_context_length,
    ...(first ? { loaded_context_length: first.config.context_length } : {}),
  }
}

function vectors({ input }: Record<string, unknown>) {
  const texts = input as readonly string[]
  const data = texts.map((text, index) => ({ object: 'embedding', index, embedding: [1, text.length, 0, 0] }))
  return { object: 'list', data, usage: { prompt_tokens: 0, total_tokens: 0 } }
}

function chat(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const say = (value: unknown) => response.write(`data: ${JSON.stringify(value)}\n\n`)
  for (const content of WORDS) say({ choices: [{ index: 0, delta: { role: 'assistant', content } }] })
  say({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })
  say({ choices: [], usage: { prompt_tokens: 9, completion_tokens: WORDS.length, total_tokens: 13 } })
  response.end('data: [DONE]\n\n')
}
