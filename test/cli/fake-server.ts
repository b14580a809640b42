/** A real HTTP server that speaks the contract with fixed answers, so that faults can be injected. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

type Fault =
  | 'hang'
  | 'drop'
  | 'html'
  | 'cutStream'
  | 'errorEvent'
  | 'endless'
  | { readonly status: number; readonly message: string; readonly code: string }

interface FakeProject {
  name: string
  path: string
  files: number
  chunks: number
  embedded: number
  state: string
  error?: string
  progress?: object
}

interface Received {
  readonly method: string
  readonly path: string
  readonly body: unknown
  readonly authorization: string | undefined
}

const RESULT = {
  path: 'src/queue.ts',
  startLine: 10,
  endLine: 42,
  score: 0.8312,
  symbol: 'takeBatch',
  language: 'typescript',
  text: Array.from({ length: 9 }, (_, i) => `line ${i + 10}`).join('\n'),
}
const CITATIONS = [
  { path: 'src/queue.ts', startLine: 10, endLine: 42, score: 0.8 },
  { path: 'docs/limits.md', startLine: 3, endLine: 9, score: 0.5 },
]
const ARMS = { vector: 0.71, lexical: 1, adjustments: [{ name: 'definition', value: 0.1 }] }

export class FakeServer {
  readonly received: Received[] = []
  readonly projects: FakeProject[] = []
  /** By the start of the path. */
  readonly faults = new Map<string, Fault>()
  health = { status: 200, body: { status: 'ok' } as object }
  /** Looks at a project until its index is ready. */
  looksUntilReady = 2
  /** Questions about paths that come too early. */
  looksUntilOpen = 1
  apiKey: string | undefined
  /** Streams that the client left before they ended. */
  abandoned = 0
  readonly #server: Server = createServer((request, response) => {
    this.#answer(request, response).catch((error: unknown) => response.destroy(error as Error))
  })

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return this.url
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  addProject(name: string, path: string, more: Partial<FakeProject> = {}): FakeProject {
    const project = { name, path, files: 12, chunks: 340, embedded: 0, state: 'ready', ...more }
    this.projects.push(project)
    return project
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://fake')
    const body = await readBody(request)
    const path = url.pathname
    const { authorization } = request.headers
    this.received.push({ method: request.method ?? '', path: path + url.search, body, authorization })
    const fault = [...this.faults].find(([start]) => path.startsWith(start))?.[1]
    if (fault === 'hang') return
    if (fault === 'drop') return void request.socket.destroy()
    if (fault === 'html')
      return void response.writeHead(200, { 'content-type': 'text/html' }).end('<p>other</p>')
    const refuse = (status: number, code: string, message: string) =>
      json(response, status, { error: { message, type: 'x', param: null, code } })
    if (typeof fault === 'object') return refuse(fault.status, fault.code, fault.message)
    if (path === '/health') return json(response, this.health.status, this.health.body)
    if (this.apiKey && authorization !== `Bearer ${this.apiKey}`)
      return refuse(401, 'unauthorized', 'wrong or missing API key')
    switch (`${request.method} ${path}`) {
      case 'GET /tandem/v1/status':
        return json(response, 200, { workers: [WORKER], projects: this.projects })
      case 'GET /tandem/v1/devices':
        return json(response, 200, DEVICES)
      case 'GET /tandem/v1/plan':
        return json(response, 200, PLAN)
      case 'GET /v1/models':
        return json(response, 200, MODELS)
      case 'POST /tandem/v1/search': {
        const { explain } = body as { explain?: boolean }
        return json(response, 200, { results: [explain ? { ...RESULT, arms: ARMS } : RESULT] })
      }
      case 'POST /tandem/v1/projects':
        return this.#postProject(response, body as { path: string; name?: string })
      case 'POST /v1/embeddings':
        return embeddings(response, body as { model: string; input: string[] })
      case 'POST /v1/rerank':
        return rerank(response, body as { documents: string[]; top_n: number })
      case 'POST /tandem/v1/classify':
        return classify(response, body as { input: string[] })
      case 'POST /v1/chat/completions':
        return this.#chat(response, fault)
    }
    const project = this.projects.find(({ name }) => path.startsWith(`/tandem/v1/projects/${name}`))
    if (!project) return refuse(404, 'not_found', 'there is no route')
    if (path.endsWith('/explain')) {
      if (this.looksUntilOpen-- > 0) return refuse(503, 'starting', 'the project is still starting')
      const reason = 'ignored by .gitignore line 3 (dist/)'
      return json(response, 200, { path: url.searchParams.get('path'), indexed: false, reason })
    }
    if (project.state === 'indexing' && this.looksUntilReady-- <= 0) {
      project.state = 'ready'
      project.progress = progress('done', 340)
    }
    return json(response, 200, project)
  }

  #postProject(response: ServerResponse, body: { path: string; name?: string }): void {
    const known = this.projects.find(({ path }) => path === body.path)
    const name = body.name ?? body.path.split(/[\\/]/).at(-1) ?? 'project'
    const project = known ?? this.addProject(name, body.path)
    project.state = 'indexing'
    project.progress = progress('embedding', 85)
    json(response, known ? 200 : 202, project)
  }

  async #chat(response: ServerResponse, fault: Fault | undefined): Promise<void> {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.on('close', () => {
      if (!response.writableFinished) this.abandoned += 1
    })
    const event = (data: object) => response.write(`data: ${JSON.stringify(data)}\n\n`)
    for (const content of ['`takeBatch` bounds ', 'the queue [1].'])
      event({ choices: [{ delta: { content } }] })
    if (fault === 'cutStream') return void response.end()
    if (fault === 'errorEvent') {
      event({ error: { message: 'the worker stopped while it answered', code: 'worker_lost' } })
      return void response.end()
    }
    if (fault === 'endless') {
      const timer = setInterval(() => event({ choices: [{ delta: { content: 'more ' } }] }), 20)
      response.on('close', () => clearInterval(timer))
      return
    }
    event({ choices: [{ delta: {}, finish_reason: 'stop' }], tandem: { citations: CITATIONS } })
    response.end('data: [DONE]\n\n')
  }
}

function progress(phase: string, chunksEmbedded: number) {
  return {
    phase,
    filesTotal: 12,
    filesDone: 12,
    filesSkipped: 3,
    chunksPending: 340 - chunksEmbedded,
    chunksEmbedded,
    chunksPerSecond: 120.4,
    remainingS: 2,
  }
}

function embeddings(response: ServerResponse, { model, input }: { model: string; input: string[] }): void {
  response.setHeader('x-tandem-engine', 'onnxruntime')
  response.setHeader('x-tandem-device', 'cpu')
  const data = input.map((_, index) => ({ index, embedding: [0.5, -0.25, index] })).reverse()
  json(response, 200, { object: 'list', model, data, tandem: { fingerprint: 'abc123' } })
}

/** The longer a document, the better. */
function rerank(
  response: ServerResponse,
  { documents, top_n }: { documents: string[]; top_n: number },
): void {
  response.setHeader('x-tandem-engine', 'openvino')
  response.setHeader('x-tandem-device', 'npu0')
  response.setHeader('x-tandem-fallback', 'openvino on gpu0 is busy')
  const results = documents
    .map((text, index) => ({ index, relevance_score: text.length / 100 }))
    .sort((a, b) => b.relevance_score - a.relevance_score)
    .slice(0, top_n)
  json(response, 200, { object: 'list', model: 'a-reranker', results, tandem: { truncated_documents: [1] } })
}

function classify(response: ServerResponse, { input }: { input: string[] }): void {
  response.setHeader('x-tandem-engine', 'onnxruntime')
  response.setHeader('x-tandem-device', 'cpu')
  const labels = [
    { label: 'bug', score: 0.75 },
    { label: 'que\u001b[2Jstion', score: 0.25 },
  ]
  const results = input.map((_, index) => ({ index, labels }))
  json(response, 200, { model: 'a-classifier', results, truncated_inputs: [] })
}

function json(response: ServerResponse, status: number, document: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(document))
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const text = Buffer.concat(chunks).toString('utf8')
  return text === '' ? undefined : (JSON.parse(text) as unknown)
}

const WORKER = {
  id: 'embed:tandem-embed-small:onnxruntime:cpu',
  task: 'embed',
  model: 'tandem-embed-small',
  engine: 'onnxruntime',
  device: 'cpu',
  pid: 4711,
  state: 'ready',
  queued: 0,
  running: 1,
}

const DEVICES = {
  devices: [
    {
      id: 'cpu',
      kind: 'cpu',
      name: 'A CPU',
      memoryBytes: 8 * 1024 ** 3,
      engines: { onnxruntime: 'cpu' },
      simulated: false,
    },
  ],
}

const PLAN = {
  policy: 'development',
  simulated: false,
  tasks: {
    chat: [
      {
        model: 'tandem-tiny-chat',
        engine: 'llama.cpp',
        device: 'cpu',
        kind: 'cpu',
        role: 'primary',
        simulated: false,
        reasons: ['the only device'],
      },
    ],
    embed: [
      {
        model: 'tandem-embed-small',
        engine: 'onnxruntime',
        device: 'cpu',
        kind: 'cpu',
        role: 'primary',
        simulated: false,
        reasons: [],
      },
    ],
  },
  rejected: [{ task: 'chat', model: 'big', engine: 'llama.cpp', device: 'cpu', reason: 'does not fit' }],
}

const MODELS = {
  object: 'list',
  data: [
    {
      id: 'tandem-embed-small',
      tandem: { title: 'An encoder.', tasks: ['embed'], contextTokens: 512, dimensions: 384 },
    },
    {
      id: 'tandem-tiny-chat',
      tandem: { title: 'A small offline model.', tasks: ['chat'], contextTokens: 2048 },
    },
    {
      id: 'tandem-tiny-chat@demo',
      tandem: { title: 'A small offline model.', tasks: ['chat'], project: 'demo' },
    },
  ],
}
