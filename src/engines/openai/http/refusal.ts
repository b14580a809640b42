import { z } from 'zod'
import { TandemError } from '../../../domain/index.ts'

/** OpenAI's form, and what others make of it: a text alone, Ollama's `{"error": "..."}`, FastAPI's `{"detail": "..."}`. */
const Refusal = z.object({
  error: z
    .union([
      z.string(),
      z.object({
        message: z.string(),
        type: z.string().nullish(),
        code: z.union([z.string(), z.number()]).nullish(),
        n_prompt_tokens: z.number().nullish(),
        n_ctx: z.number().nullish(),
      }),
    ])
    .optional(),
  detail: z.unknown().optional(),
  message: z.string().optional(),
})

/** Numbers of a prompt that is too long: `maximum context length is 4096 tokens ... 5000 tokens`. */
const WINDOW = /(?:maximum context length|context (?:size|window|length))\D{0,40}?(\d+)[\s\S]*?(\d+) tokens/i

const WRONG_REQUEST = [400, 413, 415, 422]
/** llama-server's for what its model cannot do: another placement may. */
const CANNOT = 501

/**
 * What a server said instead of an answer, as an error of ours: a wrong request is the client's, all else the server's.
 * @param server its name
 */
export function refusal(server: string, status: number, text: string): TandemError {
  const { message, tokens, limit } = read(text)
  if (tokens !== undefined && limit !== undefined)
    return new TandemError('CONTEXT_LENGTH_EXCEEDED', { limit, tokens }, { param: 'messages' })
  if (WRONG_REQUEST.includes(status))
    return new TandemError('INVALID_REQUEST', { what: `${server} refuses the request: ${message}` })
  if (status === CANNOT)
    return new TandemError('MODEL_CANNOT', {
      model: 'its model',
      what: 'do that',
      engine: server,
      why: message,
    })
  const why = `${server} answered ${status}: ${message}`
  return new TandemError('ENGINE_FAILED', { engine: 'openai', why })
}

function read(text: string): { message: string; tokens?: number | undefined; limit?: number | undefined } {
  const parsed = Refusal.safeParse(json(text))
  if (!parsed.success) return { message: text.trim().slice(0, 300) || 'no reason was given' }
  const { error, detail, message } = parsed.data
  if (typeof error === 'object') {
    const { n_prompt_tokens: tokens, n_ctx: limit } = error
    if (tokens != null && limit != null) return { message: error.message, tokens, limit }
    const [, most, asked] = WINDOW.exec(error.message) ?? []
    return most === undefined
      ? { message: error.message.slice(0, 500) }
      : { message: error.message, limit: Number(most), tokens: Number(asked) }
  }
  const said = error ?? message ?? (detail === undefined ? text : JSON.stringify(detail))
  return { message: said.slice(0, 500) }
}

function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
