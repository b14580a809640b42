import { Template } from '@huggingface/jinja'
import { type ChatMessage, imagesOf } from '../../domain/index.ts'
import { toMessages } from './chat-request.ts'

/** Longer ones are left to the server: what is rendered here holds up every other chat. */
const MAX_MESSAGES = 64

/** The prompt of a chat; undefined: only the server can say. */
export type Render = (messages: readonly ChatMessage[]) => string | undefined

export interface TemplateSource {
  /** Jinja. */
  readonly template: string
  readonly bosToken?: string | undefined
  readonly eosToken?: string | undefined
}

const system: ChatMessage = { role: 'system', content: ' You answer "briefly".\n\n- <b>One</b> \n' }
const user: ChatMessage = { role: 'user', content: "\n What's a queue? {{ x }} é\n" }
const assistant: ChatMessage = { role: 'assistant', content: ' A row.\n```c\nint a;\n```\n' }
const PROBES: readonly (readonly ChatMessage[])[] = [
  [user],
  [system, user],
  [user, assistant, user],
  [system, user, assistant, user, assistant, user],
]
/** What a template may say differs by the time; one that counts by itself may take any time. */
const NOT_HERE = /strftime|now\s*\(|range\s*\(/

/**
 * Renders a server's template here, which saves a request before each chat: text only, after an optional system message user and
 * assistant in turn. Other chats are left to the server.
 * @param rendered the server's own rendering
 * @returns undefined where the two differ on any of the probes, or the server does not tell
 */
export async function ownTemplate(
  source: TemplateSource,
  rendered: (messages: readonly ChatMessage[]) => Promise<string>,
): Promise<Render | undefined> {
  if (source.template === '' || NOT_HERE.test(source.template)) return undefined
  const wanted = await Promise.all(PROBES.map(rendered)).catch(() => undefined)
  if (!wanted) return undefined
  // llama-server leaves out a token that its tokenizer adds by itself
  for (const bosToken of [source.bosToken, '']) {
    const render = renderer({ ...source, bosToken })
    if (render && PROBES.every((probe, at) => render(probe) === wanted[at])) return render
  }
  return undefined
}

function renderer({ template, bosToken = '', eosToken = '' }: TemplateSource): Render | undefined {
  const values = { add_generation_prompt: true, bos_token: bosToken, eos_token: eosToken }
  try {
    const parsed = new Template(template)
    return (messages) => {
      if (messages.length > MAX_MESSAGES || !isPlain(messages)) return undefined
      try {
        return parsed.render({ ...values, messages: toMessages(messages) })
      } catch {
        return undefined // it says itself what is wrong, to the server
      }
    }
  } catch {
    return undefined // a form that is not known here
  }
}

function isPlain(messages: readonly ChatMessage[]): boolean {
  const turns = messages[0]?.role === 'system' ? messages.slice(1) : messages
  return (
    turns.length % 2 === 1 &&
    turns.every(
      (message, at) =>
        message.role === (at % 2 === 0 ? 'user' : 'assistant') &&
        imagesOf(message).length === 0 &&
        !(message.role === 'assistant' && message.toolCalls?.length),
    )
  )
}
