import { setTimeout as sleep } from 'node:timers/promises'
import type { z } from 'zod'
import { CommandError, ServerRefusal } from '../failure.ts'
import {
  ChatChunk,
  ClassifyDocument,
  DevicesDocument,
  EmbeddingsDocument,
  ExplanationDocument,
  ModelsDocument,
  PlanDocument,
  ProfileDocument,
  ProjectDocument,
  RefreshDocument,
  RerankDocument,
  SearchDocument,
  StatusDocument,
} from './documents.ts'
import { gone, type Server, send, sendJson } from './request.ts'
import { sseData } from './sse.ts'

/** Milliseconds for an answer that needs no model. */
const SHORT_MS = 15_000

interface ClientOptions extends Server {
  /** Milliseconds that a model may take until it answers. */
  readonly modelTimeoutMs: number
}

interface ChatQuestion {
  readonly model: string
  readonly project: string
  readonly question: string
}

/** The HTTP API of a Tandem server. Every call throws ServerRefusal or CommandError. */
export class TandemClient {
  readonly #server: ClientOptions

  constructor(server: ClientOptions) {
    this.#server = server
  }

  get url(): string {
    return this.#server.url
  }

  async status(): Promise<StatusDocument> {
    return this.#get('/tandem/v1/status', StatusDocument)
  }

  async devices() {
    return this.#get('/tandem/v1/devices', DevicesDocument)
  }

  async plan(): Promise<PlanDocument> {
    return this.#get('/tandem/v1/plan', PlanDocument)
  }

  async models(): Promise<ModelsDocument> {
    return this.#get('/v1/models', ModelsDocument)
  }

  /** Has it serve what its folders of models hold by now. @returns ids of all models that it serves */
  async refreshModels(): Promise<readonly string[]> {
    const { document } = await sendJson(this.#server, '/tandem/v1/models/refresh', RefreshDocument, {
      method: 'POST',
      timeoutMs: SHORT_MS,
    })
    return document.models
  }

  async project(name: string): Promise<ProjectDocument> {
    return this.#get(`/tandem/v1/projects/${encodeURIComponent(name)}`, ProjectDocument)
  }

  /** Makes the folder a project and indexes it; a known one is brought up to date. */
  async addProject(path: string, name?: string): Promise<{ project: ProjectDocument; created: boolean }> {
    const { document, status } = await sendJson(this.#server, '/tandem/v1/projects', ProjectDocument, {
      method: 'POST',
      body: { path, ...(name === undefined ? {} : { name }) },
      timeoutMs: SHORT_MS,
    })
    return { project: document, created: status === 202 }
  }

  /** Forgets a project and its index; its files stay as they are. */
  async removeProject(name: string): Promise<void> {
    const path = `/tandem/v1/projects/${encodeURIComponent(name)}`
    await send(this.#server, path, { method: 'DELETE', timeoutMs: SHORT_MS })
  }

  /** Why a path within the project is or is not in its index; waits while the project is being opened. */
  async explain(project: string, path: string): Promise<z.infer<typeof ExplanationDocument>> {
    const query = new URLSearchParams({ path })
    const deadline = performance.now() + SHORT_MS
    for (;;) {
      try {
        return await this.#get(
          `/tandem/v1/projects/${encodeURIComponent(project)}/explain?${query}`,
          ExplanationDocument,
        )
      } catch (thrown) {
        const opening = thrown instanceof ServerRefusal && thrown.code === 'starting'
        if (!opening || performance.now() > deadline) throw thrown
        await sleep(200, undefined, { signal: this.#server.signal })
      }
    }
  }

  async search(body: { query: string; project?: string; limit?: number; explain?: boolean }) {
    const options = { method: 'POST', body, timeoutMs: this.#server.modelTimeoutMs } as const
    return (await sendJson(this.#server, '/tandem/v1/search', SearchDocument, options)).document
  }

  /** Vectors in the order of the texts, and where they were made. */
  async embed(model: string, texts: readonly string[]) {
    const { document, headers } = await sendJson(this.#server, '/v1/embeddings', EmbeddingsDocument, {
      method: 'POST',
      body: { model, input: texts },
      timeoutMs: this.#server.modelTimeoutMs,
    })
    const embeddings = [...document.data].sort((a, b) => a.index - b.index).map((entry) => entry.embedding)
    return {
      model: document.model,
      fingerprint: document.tandem?.fingerprint ?? '',
      ...servedBy(headers),
      embeddings,
      truncated: document.tandem?.truncated_inputs ?? [],
    }
  }

  /** Documents by their relevance to the query, the best first. */
  async rerank(body: {
    model: string | undefined
    query: string
    documents: readonly string[]
    top_n?: number
  }) {
    const { document, headers } = await sendJson(this.#server, '/v1/rerank', RerankDocument, {
      method: 'POST',
      body,
      timeoutMs: this.#server.modelTimeoutMs,
    })
    const { model, results, tandem } = document
    return { model, ...servedBy(headers), results, truncated: tandem?.truncated_documents ?? [] }
  }

  /** Labels of each text with their scores, the best first. */
  async classify(body: { model: string | undefined; input: readonly string[]; top_k?: number }) {
    const { document, headers } = await sendJson(this.#server, '/tandem/v1/classify', ClassifyDocument, {
      method: 'POST',
      body,
      timeoutMs: this.#server.modelTimeoutMs,
    })
    const { model, results, truncated_inputs: truncated } = document
    return { model, ...servedBy(headers), results, truncated }
  }

  /** Milliseconds of each layer of the embedding model. */
  async profile(body: { model: string | undefined; text: string | undefined }): Promise<ProfileDocument> {
    const options = { method: 'POST', body, timeoutMs: this.#server.modelTimeoutMs } as const
    return (await sendJson(this.#server, '/tandem/v1/profile', ProfileDocument, options)).document
  }

  /** The answer to a question about a project, piece by piece. */
  async *ask({ model, project, question }: ChatQuestion): AsyncGenerator<ChatChunk> {
    const response = await send(this.#server, '/v1/chat/completions', {
      method: 'POST',
      body: { model, stream: true, messages: [{ role: 'user', content: question }], tandem: { project } },
      timeoutMs: this.#server.modelTimeoutMs,
    })
    try {
      // undici's body is an async iterable; the DOM type that TypeScript knows here is not
      for await (const data of sseData(response.body as unknown as AsyncIterable<Uint8Array>)) {
        if (data === '[DONE]') return
        yield readChunk(data)
      }
    } catch (thrown) {
      this.#server.signal.throwIfAborted()
      throw thrown instanceof TypeError ? gone(this.#server, thrown) : thrown
    }
    throw new CommandError(
      'the answer ended before it was complete',
      'ask again; `tandem status` shows the workers',
    )
  }

  async #get<T extends z.ZodType>(path: string, shape: T): Promise<z.infer<T>> {
    return (await sendJson(this.#server, path, shape, { timeoutMs: SHORT_MS })).document
  }
}

/** What an answer's headers say of where it was made. */
function servedBy(headers: Headers) {
  return {
    engine: headers.get('x-tandem-engine') ?? '',
    device: headers.get('x-tandem-device') ?? '',
    fallback: headers.get('x-tandem-fallback') ?? undefined,
  }
}

function readChunk(data: string): ChatChunk {
  let parsed: unknown
  try {
    parsed = JSON.parse(data)
  } catch {
    throw new CommandError(`the server sent a broken piece of the answer: ${data.slice(0, 80)}`)
  }
  const chunk = ChatChunk.parse(parsed)
  if (chunk.error) throw new ServerRefusal(500, chunk.error.code ?? '', chunk.error.message)
  return chunk
}
