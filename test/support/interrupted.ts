/** Streamed answers whose worker is killed while they come. */
import { CHAT, post, statusOf, until } from './api.ts'
import { killAtWork } from './at-work.ts'

/** How often an answer is asked for anew that was whole before its kill. */
const TRIES = 10

export interface Move {
  readonly from: string
  readonly to: string
  readonly why: string
  readonly atToken: number
}

export interface Answered {
  readonly text: string
  /** Lines that are no data, without their colon. */
  readonly comments: readonly string[]
  readonly finishReason: string | null
  readonly error: { readonly code: string; readonly message: string; readonly type: string } | undefined
  /** The stream ended with `[DONE]`. */
  readonly done: boolean
  readonly completionTokens: number | undefined
  /** As `tandem` and as `usage.tandem` tell it. */
  readonly continued: readonly Move[] | undefined
  readonly continuedInUsage: readonly Move[] | undefined
}

interface Chunk {
  readonly error?: Answered['error']
  readonly choices?: readonly {
    readonly text?: string
    readonly delta?: { readonly content?: string | null }
    readonly finish_reason?: string | null
  }[]
  readonly usage?: { readonly completion_tokens: number; readonly tandem?: { readonly continued?: Move[] } }
  readonly tandem?: { readonly continued?: Move[] }
}

/** @param path `/v1/chat/completions` or `/v1/completions`. @param onText hears the pieces of text, counted from 1; what comes waits for it */
export async function stream(
  server: { url: string },
  path: string,
  body: object,
  onText: (pieces: number, text: string, comments: readonly string[]) => void | Promise<void> = () => {},
): Promise<Answered> {
  const asked = {
    model: CHAT,
    temperature: 0,
    ...body,
    stream: true,
    stream_options: { include_usage: true },
  }
  const response = await post(server, path, asked)
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`)
  let text = ''
  let pieces = 0
  let done = false
  let error: Answered['error']
  let finishReason: string | null = null
  let last: Chunk = {}
  const comments: string[] = []
  let rest = ''
  const decoder = new TextDecoder()
  for await (const bytes of response.body!) {
    rest += decoder.decode(bytes as Uint8Array, { stream: true })
    const lines = rest.split('\n')
    rest = lines.pop()!
    for (const line of lines) {
      if (line.startsWith(':')) comments.push(line.slice(1).trim())
      if (!line.startsWith('data: ')) continue
      const data = line.slice('data: '.length)
      if (data === '[DONE]') {
        done = true
        continue
      }
      const chunk = JSON.parse(data) as Chunk
      if (chunk.error) {
        error = chunk.error
        continue
      }
      last = chunk
      const piece = chunk.choices?.[0]?.delta?.content ?? chunk.choices?.[0]?.text ?? ''
      finishReason = chunk.choices?.[0]?.finish_reason ?? finishReason
      if (piece === '') continue
      text += piece
      pieces += 1
      await onText(pieces, text, comments)
    }
  }
  return {
    text,
    comments,
    finishReason,
    error,
    done,
    completionTokens: last.usage?.completion_tokens,
    continued: last.tandem?.continued,
    continuedInUsage: last.usage?.tandem?.continued,
  }
}

/** On a busy machine a stream also says that it lives. */
export const movesTold = ({ comments }: Pick<Answered, 'comments'>): string[] =>
  comments.filter((text) => text.startsWith('tandem-fallback '))

/** Whether a chat is at a worker. */
export async function isAnswering(server: { url: string }): Promise<boolean> {
  const { workers } = await statusOf(server)
  return workers.some(({ task, running }) => task === 'chat' && running > 0)
}

export interface Kill {
  /** It strikes once this holds of the text so far. */
  readonly when: (pieces: number, text: string) => boolean
  /** Processes, as they are then. */
  readonly victims: () => readonly number[] | Promise<readonly number[]>
}

/** Streams an answer in the middle of which processes are killed, each kill once and after the one before was told. One that was whole before is asked for anew. */
export async function killedAmid(
  server: { url: string },
  path: string,
  body: object,
  ...kills: readonly Kill[]
): Promise<Answered> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const killed: number[] = []
    let struck = 0
    let late = false
    const answered = await stream(server, path, body, async (pieces, text, comments) => {
      const next = kills[struck]
      // what came before that is of a worker that is gone: the next one has written nothing yet
      if (late || movesTold({ comments }).length < struck || !next?.when(pieces, text)) return
      let pids: readonly number[] = []
      const areOthers = async () => {
        pids = await next.victims()
        return !pids.some((pid) => killed.includes(pid))
      }
      await until(areOthers, 'processes after those that were killed')
      killed.push(...pids)
      if (await killAtWork(pids, () => isAnswering(server))) struck += 1
      else late = true
    })
    if (struck === kills.length) return answered
  }
  throw new Error(`${TRIES} answers were whole before they could be broken off`)
}

/** Waits until the chat worker on a device is ready. @returns its process */
export async function chatWorker(server: { url: string }, device = 'cpu'): Promise<number> {
  let pid: number | undefined
  await until(async () => {
    const { workers } = await statusOf(server)
    const worker = workers.find((each) => each.task === 'chat' && each.device === device)
    if (worker?.state === 'stopped') throw new Error(worker.error)
    pid = worker?.state === 'ready' || worker?.state === 'busy' ? worker.pid : undefined
    return pid !== undefined
  }, `the chat worker on ${device}`)
  return pid!
}
