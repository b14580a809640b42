/** The prompt of a text to fill in, as models are trained for it ("FIM"); the same order as llama-server's `/infill`. */
import type { LlamaModel, Token } from 'node-llama-cpp'
import { type CompletionRequest, type Infill, TandemError } from '../../domain/index.ts'
import type { Prompt } from './prompt.ts'

/** Kept for the answer where the request does not say how long it may be; and its share of the window at most. */
const REPLY_TOKENS = 256
const MAX_REPLY_SHARE = 0.5
/** Of what the text around the gap gets, the part before it. */
const PREFIX_SHARE = 0.75
/** Marks around the parts. */
const FRAME_TOKENS = 8
/** Names of the tokens between files and before all of them, which the library does not tell. */
const FILE_MARKS = ['<|file_sep|>', '<file_sep>']
const REPOSITORY_MARKS = ['<|repo_name|>', '<repo_name>', '<reponame>']
const PLAIN_MARK = '\n\n--- snippet ---\n\n'

/**
 * Fits the text around the gap into the window, what is nearest to it first, and other texts into the rest, the last first.
 * @throws TandemError MODEL_CANNOT where the model has no tokens for it
 */
export function infillPrompt(
  model: LlamaModel,
  { model: id, prompt, infill, sampling }: CompletionRequest & { readonly infill?: Infill },
  window: number,
): Prompt {
  const { prefix, suffix, middle } = model.tokens.infill
  if (prefix === null || suffix === null)
    throw new TandemError('MODEL_CANNOT', {
      model: id,
      what: 'fill in code',
      engine: 'llama.cpp',
      why: 'it has no tokens for it (FIM); use a model that was trained for it',
    })
  const reply = Math.min(sampling.maxTokens ?? REPLY_TOKENS, Math.floor(window * MAX_REPLY_SHARE))
  const room = Math.max(0, window - reply - FRAME_TOKENS)
  const before = model.tokenize(prompt, false)
  const after = model.tokenize(infill?.suffix ?? '', false)
  const most = Math.max(Math.floor(room * PREFIX_SHARE), room - after.length)
  const head = lastOf(before, most)
  const tail = after.slice(0, room - head.length)
  const others = lastOf(extraTokens(model, infill?.extra ?? []), room - head.length - tail.length)
  const gap =
    middle === null ? [suffix, ...tail, prefix, ...head] : [prefix, ...head, suffix, ...tail, middle]
  const { bos, shouldPrependBosToken } = model.tokens
  const tokens = [...(shouldPrependBosToken && bos !== null ? [bos] : []), ...others, ...gap]
  return { tokens, stopTokens: new Set() }
}

function lastOf(tokens: readonly Token[], most: number): readonly Token[] {
  return most <= 0 ? [] : tokens.slice(-most)
}

function extraTokens(model: LlamaModel, extra: Infill['extra']): Token[] {
  if (extra.length === 0) return []
  const file = markOf(model, FILE_MARKS)
  const repository = markOf(model, REPOSITORY_MARKS)
  const plain = (text: string) => model.tokenize(text, false)
  return [
    ...(repository === undefined ? [] : [repository, ...plain('myproject\n')]),
    ...extra.flatMap(({ name, text }) => [
      ...(file === undefined ? plain(PLAIN_MARK) : [file, ...plain(`${name}\n`)]),
      ...plain(text),
    ]),
    ...(file === undefined ? [] : [file, ...plain('filename\n')]),
  ]
}

function markOf(model: LlamaModel, names: readonly string[]): Token | undefined {
  for (const name of names) {
    const [token, ...more] = model.tokenize(name, true)
    if (token !== undefined && more.length === 0) return token
  }
  return undefined
}
