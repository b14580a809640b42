/** Mixed traffic of many clients; each answer is judged at once. */
import { setTimeout as sleep } from 'node:timers/promises'
import { CHAT, EMBED } from '../support/api.ts'
import { random } from '../support/made-up-tree.ts'
import { type Answer, ask, leave, type Reading, readChat } from './client.ts'
import type { Ending, Tally } from './tally.ts'
import { labelsOf, scoresOf, type Truth, vectorsOf } from './truth.ts'
import { wrongRefusal, wrongScores, wrongStream, wrongVectors } from './verdicts.ts'

export interface TrafficContext {
  readonly server: { readonly url: string }
  readonly truth: Truth
  readonly tally: Tally
  /** Name of the indexed project. */
  readonly project: string
}

interface Kind {
  readonly name: string
  readonly weight: number
  run(context: TrafficContext, next: () => number): Promise<{ ending: Ending; wrong?: string | undefined }>
}

const below = (next: () => number, count: number) => Math.floor(next() * count)
const one = <T>(next: () => number, list: readonly T[]): T => list[below(next, list.length)]!

function weighted(kinds: readonly Kind[], next: () => number): Kind {
  const total = kinds.reduce((sum, { weight }) => sum + weight, 0)
  let at = next() * total
  for (const kind of kinds) {
    at -= kind.weight
    if (at < 0) return kind
  }
  return kinds.at(-1)!
}

/** A task that has other ways to be answered: it may not fail. */
function mustAnswer(answer: Answer, check: () => string | undefined): { ending: Ending; wrong?: string } {
  if (answer.status !== 200)
    return {
      ending: 'WRONG',
      wrong: `${answer.status} ${answer.error?.code ?? ''}: ${answer.error?.message ?? ''}`,
    }
  return judged(check)
}

function judged(check: () => string | undefined): { ending: Ending; wrong?: string } {
  let wrong: string | undefined
  try {
    wrong = check()
  } catch (thrown) {
    wrong = `a body of another shape: ${(thrown as Error).message}`
  }
  return wrong === undefined ? { ending: 'ok' } : { ending: 'WRONG', wrong }
}

function embedding(
  name: string,
  weight: number,
  count: (next: () => number) => number,
  headers?: (next: () => number) => Record<string, string>,
): Kind {
  return {
    name,
    weight,
    async run({ server, truth }, next) {
      const tokens = name === 'embed token ids'
      const pool = truth.embedded.filter(({ input }) => (typeof input === 'string') !== tokens)
      const chosen = Array.from({ length: count(next) }, () => one(next, pool))
      const inputs = chosen.map(({ input }) => input)
      const body = { model: EMBED, input: inputs.length === 1 ? inputs[0] : inputs }
      const answer = await ask(server, '/v1/embeddings', body, headers?.(next))
      return mustAnswer(answer, () =>
        wrongVectors(
          vectorsOf(answer.body),
          chosen.map(({ vector }) => vector),
        ),
      )
    },
  }
}

const REQUESTS: readonly Kind[] = [
  embedding('embed one', 50, () => 1),
  embedding('embed several', 9, (next) => 2 + below(next, 14)),
  embedding('embed token ids', 6, (next) => 1 + below(next, 3)),
  embedding(
    'embed bulk',
    3,
    () => 24,
    () => ({ 'x-tandem-priority': 'bulk' }),
  ),
  {
    name: 'embed and leave',
    weight: 4,
    async run({ server, truth }, next) {
      const input = Array.from({ length: 1 + below(next, 40) }, () => one(next, truth.embedded).input)
      const texts = input.filter((each) => typeof each === 'string')
      await leave(server, '/v1/embeddings', { model: EMBED, input: texts }, 1 + below(next, 80))
      return { ending: 'left' }
    },
  },
  {
    name: 'rerank',
    weight: 9,
    async run({ server, truth }, next) {
      const { body, scores } = one(next, truth.reranked)
      const answer = await ask(server, '/v1/rerank', body)
      return mustAnswer(answer, () => wrongScores(scoresOf(answer.body), scores))
    },
  },
  {
    name: 'classify',
    weight: 8,
    async run({ server, truth }, next) {
      const { body, scores } = one(next, truth.classified)
      const answer = await ask(server, '/tandem/v1/classify', body)
      return mustAnswer(answer, () => wrongScores(labelsOf(answer.body), scores))
    },
  },
  {
    name: 'search',
    weight: 7,
    async run({ server, project }, next) {
      const query = `adds up the orders of region ${below(next, 60)}`
      const answer = await ask(server, '/tandem/v1/search', { query, project, limit: 5 })
      return mustAnswer(answer, () => {
        const { results } = answer.body as { results: { path: string; startLine: number; text: string }[] }
        return results.every(({ path, startLine, text }) => path !== '' && startLine >= 1 && text !== '')
          ? undefined
          : 'a hit without path, line or text'
      })
    },
  },
  {
    name: 'chat',
    weight: 2,
    async run({ server, truth }, next) {
      const prompt = one(next, truth.prompts)
      const answer = await ask(server, '/v1/chat/completions', prompt.body)
      if (answer.status !== 200) return refused(answer)
      return judged(() => {
        const { choices } = answer.body as { choices: { message: { content: string } }[] }
        const end = { ...STREAM, text: choices[0]!.message.content, finishReason: prompt.finishReason }
        return wrongStream(end, prompt)
      })
    },
  },
  {
    name: 'chat with project',
    weight: 1,
    async run({ server, project }, next) {
      const messages = [{ role: 'user', content: `What adds up the orders of region ${below(next, 60)}?` }]
      const body = { model: CHAT, messages, temperature: 0, max_tokens: 16, tandem: { project } }
      const answer = await ask(server, '/v1/chat/completions', body)
      if (answer.status !== 200) return refused(answer)
      return judged(() =>
        Array.isArray((answer.body as { tandem?: { citations?: unknown } }).tandem?.citations)
          ? undefined
          : 'an answer about a project without citations',
      )
    },
  },
]

/** A stream that ended in order. */
const STREAM = {
  status: 200,
  retryAfter: null,
  error: undefined,
  done: true,
  broken: undefined,
  moves: 0,
} as const

function refused(answer: Parameters<typeof wrongRefusal>[0]): { ending: Ending; wrong?: string } {
  const wrong = wrongRefusal(answer) ?? (answer.status === 502 ? 'a lost worker was told' : undefined)
  return wrong === undefined ? { ending: 'refused' } : { ending: 'WRONG', wrong }
}

function streaming(name: string, weight: number, reading: (next: () => number) => Reading): Kind {
  return {
    name,
    weight,
    async run({ server, truth }, next) {
      const prompt = one(next, truth.prompts)
      const how = reading(next)
      const end = await readChat(server, prompt.body, how)
      if (end.status !== 200 && end.broken === undefined) return refused(end)
      if (how.leaveAtChars !== undefined && end.text.length >= how.leaveAtChars)
        return prompt.text.startsWith(end.text)
          ? { ending: 'left' }
          : { ending: 'WRONG', wrong: 'another text than undisturbed' }
      const wrong = wrongStream(end, prompt)
      if (wrong !== undefined) return { ending: 'WRONG', wrong }
      return { ending: 'ok' }
    },
  }
}

const STREAMS: readonly Kind[] = [
  streaming('stream', 14, () => ({})),
  streaming('stream, slow reader', 3, (next) => ({ pauseMs: 10 + below(next, 60) })),
  streaming('stream and leave', 3, (next) => ({ leaveAtChars: 1 + below(next, 60) })),
]

export const EMBEDDINGS = REQUESTS.map(({ name }) => name).filter((name) => name.startsWith('embed '))
export const REQUEST_KINDS = REQUESTS.map(({ name }) => name)
export const STREAM_KINDS = STREAMS.map(({ name }) => name)

export interface Load {
  readonly requests: number
  readonly streams: number
  readonly requestClients: number
  readonly streamClients: number
  readonly seed: number
}

/** Clients that ask one after the other until the counts are reached and `mayEnd` says so, or `signal` ends them. */
export async function drive(
  context: TrafficContext,
  load: Load,
  mayEnd: () => boolean,
  signal: AbortSignal,
): Promise<void> {
  const left = { requests: load.requests, streams: load.streams }
  const more = (what: 'requests' | 'streams') => {
    left[what] -= 1
    return !signal.aborted && (left[what] >= 0 || !mayEnd())
  }
  const client = async (what: 'requests' | 'streams', kinds: readonly Kind[], seed: number) => {
    const next = random(seed)
    while (more(what)) {
      const kind = weighted(kinds, next)
      const { ending, wrong } = await kind.run(context, next)
      context.tally.count(kind.name, ending)
      if (wrong !== undefined) context.tally.fail(`${kind.name}: ${wrong}`)
      if (ending === 'refused') await sleep(100) // as a client that heeds the refusal, if impatiently
    }
  }
  await Promise.all([
    ...Array.from({ length: load.requestClients }, (_, at) =>
      client('requests', REQUESTS, load.seed * 1000 + at),
    ),
    ...Array.from({ length: load.streamClients }, (_, at) =>
      client('streams', STREAMS, load.seed * 1000 + 500 + at),
    ),
  ])
}
