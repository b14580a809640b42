/**
 * Stand-ins for servers that cannot be installed here, strict and made from their documented interfaces: what is not listed is
 * 404, and whatever is not GET is kept as a breach, for looking at a server must not change it. Questions that are sent by POST
 * are listed as such.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { json } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'

/** Bodies by path, of POST by `POST PATH`; a function answers by what it is sent, a string is a stream of events. */
type Routes = Readonly<Record<string, unknown>>

/** A stream of `/chat/completions` that says a text (OpenAI's reference, "Streaming"). */
export function saying(text: string): string {
  const chunk = (choice: object) =>
    `data: ${JSON.stringify({ object: 'chat.completion.chunk', choices: [{ index: 0, ...choice }] })}\n\n`
  return `${chunk({ delta: { role: 'assistant', content: text } })}${chunk({ delta: {}, finish_reason: 'stop' })}data: [DONE]\n\n`
}

/** The answer to a question that names a model. */
function byModel(answers: Readonly<Record<string, unknown>>) {
  return ({ model }: { model: string }) => answers[model]
}

export const FAKE_SERVERS = {
  // docs/api.md of Ollama: "Version", "List Local Models", "List Running Models", "Show Model Information"
  ollama: {
    '/api/version': { version: '0.12.6' },
    '/api/tags': {
      models: [
        {
          name: 'qwen2.5-coder:7b',
          model: 'qwen2.5-coder:7b',
          modified_at: '2025-11-01T10:00:00Z',
          size: 4683087332,
          digest: 'dae161e27b0e',
          details: { format: 'gguf', family: 'qwen2', parameter_size: '7.6B', quantization_level: 'Q4_K_M' },
        },
        {
          name: 'qwen2.5vl:3b',
          model: 'qwen2.5vl:3b',
          size: 3200000000,
          digest: 'fb90415cde1e',
          details: {
            format: 'gguf',
            family: 'qwen25vl',
            parameter_size: '3.8B',
            quantization_level: 'Q4_K_M',
          },
        },
        {
          name: 'all-minilm:latest',
          model: 'all-minilm:latest',
          size: 45960996,
          digest: '1b226e2802db',
          details: { format: 'gguf', family: 'bert', parameter_size: '23M', quantization_level: 'F16' },
        },
      ],
    },
    '/api/ps': {
      models: [
        {
          name: 'qwen2.5-coder:7b',
          model: 'qwen2.5-coder:7b',
          size: 6000000000,
          size_vram: 6000000000,
          context_length: 16384,
          expires_at: '2025-11-01T10:05:00Z',
        },
      ],
    },
    'POST /api/show': byModel({
      'qwen2.5-coder:7b': {
        parameters: 'stop                           "<|im_end|>"',
        details: { format: 'gguf', family: 'qwen2', parameter_size: '7.6B' },
        model_info: {
          'general.architecture': 'qwen2',
          'qwen2.context_length': 32768,
          'qwen2.embedding_length': 3584,
        },
        capabilities: ['completion', 'tools', 'insert'],
      },
      'qwen2.5vl:3b': {
        details: { format: 'gguf', family: 'qwen25vl', parameter_size: '3.8B' },
        model_info: { 'general.architecture': 'qwen25vl', 'qwen25vl.context_length': 128000 },
        capabilities: ['completion', 'vision'],
      },
      'all-minilm:latest': {
        parameters: 'num_ctx                        256',
        details: { format: 'gguf', family: 'bert', parameter_size: '23M' },
        model_info: {
          'general.architecture': 'bert',
          'bert.context_length': 512,
          'bert.embedding_length': 384,
        },
        capabilities: ['embedding'],
      },
    }),
    '/v1/models': {
      object: 'list',
      data: [{ id: 'qwen2.5-coder:7b', object: 'model', owned_by: 'library' }],
    },
  },
  // LM Studio's REST API: "GET /api/v0/models"
  lmstudio: {
    '/api/v0/models': {
      object: 'list',
      data: [
        {
          id: 'qwen2.5-coder-14b-instruct',
          object: 'model',
          type: 'llm',
          publisher: 'lmstudio-community',
          arch: 'qwen2',
          compatibility_type: 'gguf',
          quantization: 'Q4_K_M',
          state: 'loaded',
          max_context_length: 32768,
          loaded_context_length: 8192,
        },
        {
          id: 'qwen2.5-vl-7b-instruct',
          object: 'model',
          type: 'vlm',
          publisher: 'lmstudio-community',
          arch: 'qwen2vl',
          state: 'loaded',
          max_context_length: 128000,
          loaded_context_length: 8192,
        },
        {
          id: 'text-embedding-nomic-embed-text-v1.5',
          object: 'model',
          type: 'embeddings',
          state: 'not-loaded',
          max_context_length: 2048,
        },
      ],
    },
    '/v1/models': {
      object: 'list',
      data: [{ id: 'qwen2.5-coder-14b-instruct', owned_by: 'organization_owner' }],
    },
  },
  // OpenVINO Model Server: docs "Config Status API", "/v3/models", KServe "/v2/health/ready"
  ovms: {
    '/v2/health/ready': {},
    '/v1/config': {
      'OpenVINO/bge-base-en-v1.5-int8-ov': {
        model_version_status: [
          { version: '1', state: 'AVAILABLE', status: { error_code: 'OK', error_message: 'OK' } },
        ],
      },
    },
    '/v3/models': { object: 'list', data: [{ id: 'OpenVINO/bge-base-en-v1.5-int8-ov', owned_by: 'OVMS' }] },
  },
  // vLLM: "OpenAI-Compatible Server"
  vllm: {
    '/health': {},
    '/version': { version: '0.11.0' },
    '/v1/models': {
      object: 'list',
      data: [
        {
          id: 'Qwen/Qwen2.5-7B-Instruct',
          object: 'model',
          owned_by: 'vllm',
          root: 'Qwen',
          max_model_len: 32768,
        },
      ],
    },
  },
  // text-generation-webui: "OpenAI compatible API"
  'text-generation-webui': {
    '/v1/internal/health': { status: 'ok' },
    '/v1/internal/model/info': { model_name: 'Mistral-7B-Instruct-v0.3-Q4_K_M.gguf', lora_names: [] },
    '/v1/models': {
      object: 'list',
      data: [{ id: 'Mistral-7B-Instruct-v0.3-Q4_K_M.gguf', owned_by: 'user' }],
    },
  },
  // KoboldCpp's API page
  koboldcpp: {
    '/api/extra/version': { result: 'KoboldCpp', version: '1.99', protected: false, llm: true, vision: true },
    '/api/extra/true_max_context_length': { value: 8192 },
    '/v1/models': {
      object: 'list',
      data: [{ id: 'koboldcpp/L3-8B-Stheno-v3.2-Q4_K_S', owned_by: 'koboldcpp' }],
    },
  },
  // OpenAI's reference: "List models"
  openai: {
    '/v1/models': {
      object: 'list',
      data: [
        { id: 'gpt-4o-mini', object: 'model', created: 1721172741, owned_by: 'system' },
        { id: 'text-embedding-3-small', object: 'model', created: 1705948997, owned_by: 'system' },
      ],
    },
  },
} as const satisfies Readonly<Record<string, Routes>>

export interface FakeModelServer {
  readonly url: string
  /** Requests that could have changed something. */
  readonly breaches: readonly string[]
  /** What it was sent by POST, in order. */
  readonly asked: readonly { readonly path: string; readonly body: unknown }[]
  /** `Authorization` of each request. */
  readonly keys: readonly (string | undefined)[]
  stop(): Promise<void>
}

export interface FakeModelServerOptions {
  /** Address that it listens on; default: loopback. */
  readonly host?: string
  /** Default: a free one. */
  readonly port?: number
  /** Milliseconds before it looks at a request: the way of a network. */
  readonly delayMs?: number
  /** It answers 401 without this key, below these paths. */
  readonly guarded?: { readonly key: string; readonly below: string }
}

export async function startFakeModelServer(
  routes: Routes,
  { host = '127.0.0.1', port: wanted = 0, delayMs = 0, guarded }: FakeModelServerOptions = {},
): Promise<FakeModelServer> {
  const breaches: string[] = []
  const keys: (string | undefined)[] = []
  const asked: { path: string; body: unknown }[] = []
  const server = createServer(async (request, response) => {
    const { method, url = '' } = request
    if (delayMs > 0) await sleep(delayMs)
    keys.push(request.headers.authorization)
    if (
      guarded &&
      url.startsWith(guarded.below) &&
      request.headers.authorization !== `Bearer ${guarded.key}`
    ) {
      request.resume()
      response.writeHead(401, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ error: 'Unauthorized' }))
      return
    }
    const sent = method === 'POST' ? ((await json(request)) as unknown) : undefined
    const route = method === 'GET' ? routes[url] : routes[`${method} ${url}`]
    if (method !== 'GET' && route === undefined) breaches.push(`${method} ${url}`)
    if (method === 'POST') asked.push({ path: url, body: sent })
    const body = typeof route === 'function' ? (route(sent) as unknown) : route
    const type = typeof body === 'string' ? 'text/event-stream' : 'application/json'
    response.writeHead(body === undefined ? 404 : 200, { 'content-type': type })
    response.end(typeof body === 'string' ? body : JSON.stringify(body ?? { error: 'not found' }))
  }).listen(wanted, host)
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  return {
    url: `http://${host}:${port}`,
    breaches,
    asked,
    keys,
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
