/** Models that another server runs: which of the catalogue they are, or entries of their own. */
import { createHash } from 'node:crypto'
import type { Stats } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { AdoptedServer, Model, ServerKind, ServerModel, Task } from '../domain/index.ts'
import { sha256Of } from './verify.ts'

/** Where a server does not tell its window. */
const CONTEXT_TOKENS: Readonly<Record<Task, number>> = { chat: 8192, embed: 512, rerank: 512, classify: 512 }
/** They take addresses of pictures: OpenAI's reference, vLLM "Multimodal Inputs", OVMS "Chat/completions", llama.cpp tools/server. */
const FETCHING: readonly ServerKind[] = ['openai', 'vllm', 'ovms', 'llama-server']
/** `Q8_0`, `IQ4_XS`, `BF16`, as names of GGUF files end. */
const QUANTIZATION = /[-._](I?Q\d\w*|BF16|F16|F32)$/i

/** Its own name of the model without path and ending: what a person calls it. */
export function plainName(name: string): string {
  const plain = (/\.gguf$/i.test(name) ? basename(name.replaceAll('\\', '/')) : name).replace(/\.gguf$/i, '')
  return plain.replace(/[^\w.:/-]+/g, '-').replace(/^[^A-Za-z0-9]+/, '') || 'model'
}

/**
 * The model of the catalogue that a server runs: a chat model only where it has the same file open, for another file writes other
 * text; an embedding model also by its name, for its vectors are compared before it may serve.
 * @returns with what it was known by
 */
export async function sameModel(
  { name, file }: ServerModel,
  task: Task,
  models: readonly Model[],
): Promise<{ readonly model: Model; readonly by: 'file' | 'name' } | undefined> {
  const able = models.filter(({ tasks }) => tasks.includes(task))
  if (file !== undefined)
    for (const model of able) if (await isOpen(file, model)) return { model, by: 'file' }
  if (task !== 'embed') return undefined
  const plain = plainName(name).replace(/:latest$/, '')
  const model = able.find(({ id }) => id === plain || id === plain.replace(QUANTIZATION, ''))
  return model && { model, by: 'name' }
}

/** By path, size and time of change: servers are looked at again and again. */
const hashes = new Map<string, Promise<string>>()
const MAX_HASHES = 64

function hashOf(path: string, { size, mtimeMs }: Stats): Promise<string> {
  const key = `${path}:${size}:${mtimeMs}`
  const known = hashes.get(key)
  if (known) return known
  if (hashes.size >= MAX_HASHES) hashes.clear()
  const hash = sha256Of(path)
  hash.catch(() => hashes.delete(key))
  hashes.set(key, hash)
  return hash
}

async function isOpen(file: string, model: Model): Promise<boolean> {
  const [own] = model.files.gguf ?? []
  if (!own) return false
  const path = join(model.folder, own.path)
  const [there, here] = await Promise.all([file, path].map((each) => realpath(each).catch(() => undefined)))
  if (there === undefined) return false
  if (there === here) return true
  const stats = await stat(there)
  if (own.sha256 === '' || stats.size !== own.sizeBytes) return false
  return (await hashOf(there, stats)) === own.sha256
}

/**
 * An entry for a model that no folder here has.
 * @param home folder of everything that Tandem keeps
 * @param id free in the catalogue
 */
export function remoteModel(
  { name, parameters, contextTokens, dimensions, images }: ServerModel,
  tasks: readonly Task[],
  { server, id, home }: { readonly server: AdoptedServer; readonly id: string; readonly home: string },
): Model {
  const [first = 'chat'] = tasks
  const window = contextTokens ?? CONTEXT_TOKENS[first]
  // a server opens another window at each load; its vectors stay what they are
  // one that Tandem starts has no address yet: what it serves is its folder, pooled as it was told
  const { folder, pooling } = server.launch ?? {}
  const identity = JSON.stringify([
    server.url,
    name,
    dimensions ?? null,
    ...(folder ? [folder, pooling] : []),
  ])
  return {
    id,
    title: `${name} on ${server.name}`,
    revision: server.version ?? 'unknown',
    license: "the server's own",
    tasks,
    parameters: parameters ?? 1,
    contextTokens: window,
    files: { remote: [] },
    ...(tasks.includes('chat') ? { chat: chatOf(images, server) } : {}),
    ...(tasks.includes('embed') && dimensions !== undefined ? { embedding: embeddingOf(dimensions) } : {}),
    ...(tasks.includes('rerank') ? { rerank: { activation: 'none' } } : {}),
    folder: join(home, 'servers', server.name),
    fingerprint: createHash('sha256').update(identity).digest('hex'),
  }
}

/** Where chats leave this machine anyway, a server that fetches pictures by itself may. */
function chatOf(images: boolean | undefined, { kind, local }: AdoptedServer): NonNullable<Model['chat']> {
  if (images === false) return { groundedOnly: false }
  const fetches = !local && FETCHING.includes(kind)
  return {
    groundedOnly: false,
    images: images === undefined ? 'untold' : 'yes',
    ...(fetches ? { imageUrls: true } : {}),
  }
}

/** A server pools as its model wants; what comes is made unit length. */
function embeddingOf(dimensions: number): NonNullable<Model['embedding']> {
  const text = { splitCamelCase: false, queryPrefix: '', passagePrefix: '' }
  return { pooling: 'mean', normalize: true, dimensions, shorterDimensions: [], text }
}
