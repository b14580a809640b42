/** What the undisturbed server answers; every answer under chaos is compared with it. */
import { CHAT, EMBED } from '../support/api.ts'
import { random, source } from '../support/made-up-tree.ts'
import { ask, readChat } from './client.ts'

const TEXTS = 240
const TOKEN_INPUTS = 40
const SCORED = 30
const DOCUMENTS = 4
const PROMPTS = 20

export interface Prompt {
  readonly body: Record<string, unknown>
  /** The whole undisturbed answer. */
  readonly text: string
  readonly finishReason: string
}

export interface Scored {
  readonly body: Record<string, unknown>
  /** By index of the document, or by label. */
  readonly scores: ReadonlyMap<string, number>
}

export interface Truth {
  readonly dimensions: number
  /** Texts and lists of token ids, each with its vector. */
  readonly embedded: readonly { readonly input: string | number[]; readonly vector: readonly number[] }[]
  readonly reranked: readonly Scored[]
  readonly classified: readonly Scored[]
  readonly prompts: readonly Prompt[]
}

const QUESTIONS = [
  'How do I add up the orders of a region?',
  'What does a queue do when it is full?',
  'Write a function that sorts numbers.',
  'Explain what a worker process is.',
  'Hello',
  'Why does a test fail?',
  'Name three things about files.',
  'What is an index for?',
  'How does a server stop?',
  'Describe the report of the orders.',
]

/** @throws Error when an answer is not 200: without an undisturbed answer there is nothing to compare with */
export async function learnTruth(server: { url: string }, seed: number): Promise<Truth> {
  const next = random(seed)
  const words = (count: number) =>
    Array.from({ length: count }, () => QUESTIONS[Math.floor(next() * QUESTIONS.length)]!).join(' ')
  const inputs: (string | number[])[] = Array.from({ length: TEXTS }, (_, at) =>
    at % 3 === 0
      ? `${words(1 + Math.floor(next() * 3))} (${at})`
      : source(10_000 + at, 1 + Math.floor(next() * 3)),
  )
  for (let at = 0; at < TOKEN_INPUTS; at += 1)
    inputs.push(Array.from({ length: 4 + Math.floor(next() * 60) }, () => 200 + Math.floor(next() * 4000)))
  const embedded: { input: string | number[]; vector: readonly number[] }[] = []
  for (const input of inputs) {
    const [vector] = vectorsOf((await mustAsk(server, '/v1/embeddings', { model: EMBED, input })).body)
    embedded.push({ input, vector: vector! })
  }
  const texts = inputs.filter((input): input is string => typeof input === 'string')
  const reranked: Scored[] = []
  const classified: Scored[] = []
  for (let at = 0; at < SCORED; at += 1) {
    const documents = Array.from({ length: DOCUMENTS }, (_, other) => texts[(at * 7 + other * 3) % TEXTS]!)
    const rerank = { query: QUESTIONS[at % QUESTIONS.length]!, documents }
    reranked.push({ body: rerank, scores: scoresOf((await mustAsk(server, '/v1/rerank', rerank)).body) })
    const classify = { input: texts[(at * 11) % TEXTS]! }
    const answer = await mustAsk(server, '/tandem/v1/classify', classify)
    classified.push({ body: classify, scores: labelsOf(answer.body) })
  }
  const prompts: Prompt[] = []
  for (let at = 0; at < PROMPTS; at += 1) {
    const content = `${QUESTIONS[at % QUESTIONS.length]}${at < QUESTIONS.length ? '' : ' Say it with an example.'}`
    const body = {
      model: CHAT,
      messages: [{ role: 'user', content }],
      temperature: 0,
      max_tokens: 24 + ((at * 37) % 160),
    }
    const end = await readChat(server, body)
    if (end.status !== 200 || !end.done || end.finishReason === undefined)
      throw new Error(`the undisturbed chat failed: ${end.status} ${end.error?.message ?? end.broken}`)
    prompts.push({ body, text: end.text, finishReason: end.finishReason })
  }
  return { dimensions: embedded[0]!.vector.length, embedded, reranked, classified, prompts }
}

async function mustAsk(server: { url: string }, path: string, body: unknown) {
  const answer = await ask(server, path, body)
  if (answer.status !== 200)
    throw new Error(`the undisturbed ${path} failed: ${answer.status} ${answer.error?.message}`)
  return answer
}

/** @throws TypeError where the body has another shape */
export function vectorsOf(body: unknown): readonly (readonly number[])[] {
  const { data } = body as { data: { index: number; embedding: number[] }[] }
  return [...data].sort((a, b) => a.index - b.index).map(({ embedding }) => embedding)
}

export function scoresOf(body: unknown): Map<string, number> {
  const { results } = body as { results: { index: number; relevance_score: number }[] }
  return new Map(results.map(({ index, relevance_score }) => [String(index), relevance_score]))
}

export function labelsOf(body: unknown): Map<string, number> {
  const { results } = body as { results: { labels: { label: string; score: number }[] }[] }
  return new Map(results[0]!.labels.map(({ label, score }) => [label, score]))
}
