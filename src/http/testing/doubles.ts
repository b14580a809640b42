/** Doubles of the rooms below, for route translation and injected faults only: no test of a model's answer uses them. */
import { Config } from '../../config/index.ts'
import type {
  ChatDelta,
  ChatRequest,
  ChatResult,
  ClassifyRequest,
  CompletionRequest,
  EmbedOutput,
  EmbedRequest,
  ProjectStatus,
  QueueDepth,
  RerankRequest,
  ScoreOutput,
  ServedBy,
  TokenizeRequest,
} from '../../domain/index.ts'
import { TandemError } from '../../domain/index.ts'
import type { PassageQuery, Passages, ProjectEvent, Projects } from '../../project/contract.ts'
import type { RequestContext, Serving } from '../../scheduling/contract.ts'
import { createTelemetry } from '../../telemetry/index.ts'
import type { HttpDeps, ModelEntry } from '../deps.ts'
import { createHttpServer, type HttpServer, type Listening } from '../server.ts'

export const CHAT: ModelEntry = {
  id: 'tiny-chat',
  title: 'A small chat model',
  tasks: ['chat'],
  parameters: 1,
  contextTokens: 2048,
  fingerprint: 'c0ffee00c0ffee00',
  chat: { groundedOnly: true, maxPassageTokens: 1780, maxPassages: 6, temperature: 0, maxTokens: 220 },
}

export const EMBED: ModelEntry = {
  id: 'small-embed',
  title: 'A small encoder',
  tasks: ['embed'],
  parameters: 1,
  contextTokens: 512,
  fingerprint: 'feedface',
  embedding: {
    pooling: 'mean',
    normalize: true,
    dimensions: 4,
    shorterDimensions: [2],
    text: { splitCamelCase: true, queryPrefix: '', passagePrefix: '' },
  },
}

export const RERANK: ModelEntry = {
  id: 'small-rerank',
  title: 'A small reranker',
  tasks: ['rerank'],
  parameters: 1,
  contextTokens: 512,
  fingerprint: 'decade',
}

export const CLASSIFY: ModelEntry = {
  ...RERANK,
  id: 'small-classify',
  title: 'A small classifier',
  tasks: ['classify'],
  classify: { labels: ['bug', 'feature', 'question'], multiLabel: false },
}

export const SERVED: ServedBy = { model: CHAT.id, engine: 'llama.cpp', device: 'cpu', simulated: false }

export function chatResult(part: Partial<ChatResult> = {}): ChatResult {
  return {
    text: '',
    toolCalls: [],
    finishReason: 'stop',
    usage: { promptTokens: 7, completionTokens: 2, cachedTokens: 3 },
    timings: { firstTokenMs: 1, decodeMs: 2 },
    ...part,
  }
}

export type ChatScript = (
  request: ChatRequest | CompletionRequest,
  context: RequestContext,
  onDelta: (delta: ChatDelta) => void,
) => Promise<ChatResult>

/** Says the pieces one after the other. */
export const says =
  (...pieces: string[]): ChatScript =>
  async (_, __, onDelta) => {
    for (const text of pieces) onDelta({ type: 'text', text })
    return chatResult({ text: pieces.join('') })
  }

/** Sends `piece` until it is cancelled. */
export const neverEnds =
  (piece: string, everyMs: number): ChatScript =>
  (_, { signal }, onDelta) =>
    new Promise((_resolve, reject) => {
      const timer = setInterval(() => onDelta({ type: 'text', text: piece }), everyMs)
      signal?.addEventListener('abort', () => {
        clearInterval(timer)
        reject(new TandemError('CANCELLED'))
      })
    })

class ServingDouble implements Serving {
  readonly chats: (ChatRequest | CompletionRequest)[] = []
  readonly embeds: { request: EmbedRequest; context: RequestContext }[] = []
  readonly reranks: { request: RerankRequest; context: RequestContext }[] = []
  readonly classifies: { request: ClassifyRequest; context: RequestContext }[] = []
  readonly profiles: { model: string; text: string }[] = []
  script: ChatScript = says('Hel', 'lo')
  /** What a chat waits for before somebody serves it. */
  queue: (context: RequestContext) => Promise<void> = async () => {}
  served: ServedBy = SERVED
  truncated: readonly number[] = []
  embedError: TandemError | undefined
  promptTokens = 10
  estimated = false

  async embed(request: EmbedRequest, context: RequestContext) {
    this.embeds.push({ request, context })
    if (this.embedError) throw this.embedError
    const vectors = Float32Array.from(request.inputs.flatMap((_, at) => [3, 4, at, 12].map((x) => x / 13)))
    const result: EmbedOutput = {
      vectors,
      dimensions: 4,
      tokens: request.inputs.map(() => 5),
      truncated: this.truncated,
    }
    return { result, servedBy: this.served }
  }

  async rerank(request: RerankRequest, context: RequestContext) {
    this.reranks.push({ request, context })
    const scores = Float32Array.from(request.documents, (text) => Number.parseFloat(text) || 0)
    return { result: this.#scored(scores, 1), servedBy: this.served }
  }

  async classify(request: ClassifyRequest, context: RequestContext) {
    this.classifies.push({ request, context })
    const scores = Float32Array.from(request.inputs.flatMap(() => [0.25, 0.625, 0.125]))
    return { result: this.#scored(scores, 3), servedBy: this.served }
  }

  #scored(scores: Float32Array, width: number): ScoreOutput {
    const tokens = Array.from({ length: scores.length / width }, () => 6)
    return { scores, width, tokens, truncated: this.truncated }
  }

  async #answer(
    request: ChatRequest | CompletionRequest,
    context: RequestContext,
    onDelta: (delta: ChatDelta) => void,
  ) {
    this.chats.push(request)
    await this.queue(context)
    context.onServedBy?.(this.served)
    return { result: await this.script(request, context, onDelta), servedBy: this.served }
  }

  chat(request: ChatRequest, context: RequestContext, onDelta: (delta: ChatDelta) => void) {
    return this.#answer(request, context, onDelta)
  }

  complete(request: CompletionRequest, context: RequestContext, onDelta: (delta: ChatDelta) => void) {
    return this.#answer(request, context, onDelta)
  }

  async countTokens(_: string, texts: readonly string[]) {
    return texts.map((text) => text.split(/\s+/).length)
  }

  async profile(model: string, text: string) {
    this.profiles.push({ model, text })
    const result = [
      { name: 'first', type: 'MatMul', device: 'NPU', ms: 3 },
      { name: 'second', type: 'Add', device: 'CPU', ms: 1 },
    ]
    return { result, servedBy: this.served }
  }

  async countPrompt() {
    return { tokens: this.promptTokens, estimated: this.estimated }
  }

  async tokenize(_: string, { text }: TokenizeRequest) {
    return [...text].map((character) => character.codePointAt(0)!)
  }

  async detokenize(_: string, tokens: readonly number[]) {
    return String.fromCodePoint(...tokens)
  }

  contextTokens() {
    return CHAT.contextTokens
  }

  expected(): ServedBy | undefined {
    return this.served
  }

  queues(): QueueDepth[] {
    return []
  }

  workers() {
    return []
  }

  async ready() {}

  isReady() {
    return true
  }

  async drain() {}
}

class ProjectsDouble implements Projects {
  readonly queries: PassageQuery[] = []
  found: Passages = { project: 'demo', passages: [], systemMessage: '', refusal: 'Nothing matches.' }
  readonly #listeners = new Set<(event: ProjectEvent) => void>()
  readonly #status: ProjectStatus = {
    name: 'demo',
    path: '/demo',
    files: 1,
    chunks: 2,
    embedded: 2,
    state: 'ready',
  }

  async open() {}

  async add({ path }: { path: string }) {
    return { status: { ...this.#status, path }, created: path !== '/demo' }
  }

  list() {
    return [this.#status]
  }

  get(name: string) {
    if (name === 'demo') return this.#status
    throw new TandemError('PROJECT_NOT_FOUND', { project: name, known: 'demo' })
  }

  holding() {
    return undefined
  }

  async remove() {}

  async search() {
    const hit = { path: 'a.ts', startLine: 1, endLine: 2, score: 0.5, language: 'typescript', text: 'a' }
    return { project: 'demo', hits: [hit], servedBy: { ...SERVED, engine: 'onnxruntime' as const } }
  }

  /** What a search waits for. */
  searching: () => Promise<void> = async () => {}

  async passages(query: PassageQuery) {
    this.queries.push(query)
    await this.searching()
    return this.found
  }

  async explain(_: string, path: string) {
    return { path, indexed: false, reason: 'ignored' }
  }

  onEvent(listener: (event: ProjectEvent) => void) {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  emit(event: ProjectEvent) {
    for (const listener of this.#listeners) listener(event)
  }

  async close() {}
}

export interface DoubleServer extends Listening {
  readonly serving: ServingDouble
  readonly projects: ProjectsDouble
  readonly http: HttpServer
  /** Messages that were logged as errors or warnings. */
  readonly errors: string[]
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>
}

/** A real server on a free port over doubles. */
export async function startDouble(
  server: Record<string, unknown> = {},
  deps: Partial<HttpDeps> = {},
): Promise<DoubleServer> {
  const serving = new ServingDouble()
  const projects = new ProjectsDouble()
  const errors: string[] = []
  const http = await createHttpServer({
    config: Config.parse({ server: { port: 0, ...server } }),
    version: '0.0.0',
    serving,
    projects,
    models: () => [CHAT, EMBED],
    plan: () => ({ policy: 'development', simulated: false, tasks: {}, rejected: [] }),
    planWith: async ({ policy = 'development', simulate }) => ({
      policy,
      simulated: simulate !== undefined,
      tasks: {},
      rejected: [],
    }),
    onPlan: () => () => {},
    devices: () => [],
    isReady: () => true,
    telemetry: await createTelemetry({ version: '0.0.0', simulated: false }),
    log: {
      error: (_, message) => errors.push(message),
      warn: (_, message) => errors.push(message),
      debug: () => {},
    },
    ...deps,
  })
  const listening = await http.listen()
  const { url } = listening
  return {
    ...listening,
    serving,
    projects,
    http,
    errors,
    post: (path, body, headers = {}) =>
      fetch(url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
  }
}
