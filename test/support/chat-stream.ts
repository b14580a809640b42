/** A long streamed answer, read as it comes. */
import { CHAT, post } from './api.ts'

/** A grammar that keeps the model writing until `tokens` are written, whatever it would say. */
function longAnswer(tokens: number) {
  return {
    model: CHAT,
    messages: [{ role: 'user', content: 'Hello' }],
    stream: true,
    max_tokens: tokens,
    response_format: {
      type: 'json_schema',
      json_schema: {
        name: 'x',
        schema: { type: 'array', items: { type: 'string', minLength: 1000 }, minItems: 10 },
      },
    },
  }
}

export interface ChatStream {
  /** Pieces of text so far. */
  readonly pieces: () => number
  /** All that the server sent, once the stream has ended in whatever way. */
  readonly ended: Promise<StreamEnd>
}

export interface StreamEnd {
  readonly finishReason: string | undefined
  readonly error: { message: string; code: string } | undefined
  /** The stream ended with `[DONE]`. */
  readonly done: boolean
  /** The connection broke. */
  readonly broken: boolean
}

export async function openChat(server: { url: string }, tokens: number): Promise<ChatStream> {
  const response = await post(server, '/v1/chat/completions', longAnswer(tokens))
  if (response.status !== 200) throw new Error(`chat: ${response.status} ${await response.text()}`)
  let pieces = 0
  async function read(): Promise<StreamEnd> {
    let end: StreamEnd = { finishReason: undefined, error: undefined, done: false, broken: false }
    let rest = ''
    const decoder = new TextDecoder()
    try {
      for await (const bytes of response.body!) {
        rest += decoder.decode(bytes as Uint8Array, { stream: true })
        const lines = rest.split('\n')
        rest = lines.pop()!
        for (const line of lines.filter((each) => each.startsWith('data: '))) {
          const data = line.slice('data: '.length)
          if (data === '[DONE]') {
            end = { ...end, done: true }
            continue
          }
          const event = JSON.parse(data)
          if (event.error) end = { ...end, error: event.error }
          if (event.choices?.[0]?.delta?.content) pieces += 1
          if (event.choices?.[0]?.finish_reason)
            end = { ...end, finishReason: event.choices[0].finish_reason }
        }
      }
    } catch {
      return { ...end, broken: true }
    }
    return end
  }
  return { pieces: () => pieces, ended: read() }
}
