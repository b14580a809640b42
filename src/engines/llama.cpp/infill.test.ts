/** The shipped chat model with tokens for filling in that it was not trained for: what counts is the prompt. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { withValues } from '../../../test/support/gguf.ts'
import { CHAT_GGUF, describeLlamaServer, startLlamaServer } from '../../../test/support/llama-server.ts'
import { tinyChatModel } from '../../../test/support/tiny-chat.ts'
import type { CompletionRequest, Infill } from '../../domain/index.ts'
import type { LoadedDecoder } from '../contract.ts'
import { engine } from './child.ts'

const FIM = {
  'tokenizer.ggml.fim_pre_token_id': 10_200,
  'tokenizer.ggml.fim_suf_token_id': 10_201,
  'tokenizer.ggml.fim_mid_token_id': 10_202,
}
const PREFIX = 'function add(a, b) {\n  return '
const SUFFIX = '\n}\n'
const { signal } = new AbortController()

let folder: string
let decoder: LoadedDecoder

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tandem-infill-'))
  const file = withValues(await readFile(CHAT_GGUF), FIM)
  await writeFile(join(folder, 'fim.gguf'), file)
  const model = tinyChatModel({
    id: 'fim',
    files: { gguf: [{ path: 'fim.gguf', sizeBytes: file.length, sha256: '' }] },
    chat: { groundedOnly: false },
    folder,
  })
  const spec = { model, task: 'chat', device: 'cpu', threads: 1, slots: 2, contextTokens: 256 } as const
  decoder = (await engine.load(spec)) as LoadedDecoder
})
afterAll(async () => {
  await decoder?.dispose()
  await rm(folder, { recursive: true, force: true })
})

const asked = (prompt = PREFIX, suffix = SUFFIX, extra: Infill['extra'] = []): CompletionRequest => ({
  model: 'fim',
  prompt,
  infill: { suffix, extra },
  sampling: { temperature: 0, maxTokens: 12, stop: [] },
})
const fill = (request: CompletionRequest) => decoder.complete(request, () => {}, signal)
const tokens = async (text: string) => (await decoder.countTokens([text]))[0]!

test('both sides and their three marks are read', async () => {
  const { usage } = await fill(asked())
  expect(usage.promptTokens).toBe((await tokens(PREFIX)) + (await tokens(SUFFIX)) + 3)
})

test('goes on after a part that another worker wrote', async () => {
  const ids: number[] = []
  const texts: string[] = []
  const whole = await decoder.complete(
    asked(),
    (delta) => {
      if (delta.type !== 'text' || texts.length > 2) return
      texts.push(delta.text)
      ids.push(...(delta.tokens ?? []))
    },
    signal,
  )
  const text = texts.join('')
  const rest = await fill({ ...asked(), resume: { tokens: ids, text, toolCalls: [], callTokens: 0 } })
  expect(text + rest.text).toBe(whole.text)
})

test('what does not fit is left out from what is farthest from the gap', async () => {
  const line = 'const value = compute(1)\n'
  const long = line.repeat(100)
  const room = 256 - 12
  const { usage } = await fill(asked(long, long, [{ name: 'a.ts', text: long }]))
  expect(usage.promptTokens).toBeLessThanOrEqual(room)
  expect(usage.promptTokens).toBeGreaterThan(room - 12)
  const extra = [{ name: 'a.ts', text: long }]
  const beside = await fill(asked(PREFIX, SUFFIX, extra))
  expect(beside.usage.promptTokens).toBeGreaterThan(room - 12)
  expect(beside.usage.promptTokens).toBeLessThanOrEqual(room)
})

describeLlamaServer('beside llama-server', () => {
  test.each([
    ['both sides', asked()],
    ['an empty suffix', asked(PREFIX, '')],
    ['other texts', asked(PREFIX, SUFFIX, [{ name: 'b.ts', text: 'export const one = 1\n' }])],
  ])('%s: the same prompt gives the same text', async (_, request) => {
    const peer = await startLlamaServer(['-m', join(folder, 'fim.gguf'), '-b', '256']) // what it gives other texts hangs on it
    try {
      const { prompt, infill } = request
      const response = await fetch(`${peer.url}/infill`, {
        method: 'POST',
        body: JSON.stringify({
          input_prefix: prompt,
          input_suffix: infill!.suffix,
          input_extra: infill!.extra.map(({ name, text }) => ({ filename: name, text })),
          n_predict: 12,
          temperature: 0,
        }),
      })
      const theirs = (await response.json()) as { content: string; tokens_evaluated: number }
      const ours = await fill(request)
      expect([ours.usage.promptTokens, ours.text]).toEqual([theirs.tokens_evaluated, theirs.content])
    } finally {
      await peer.stop()
    }
  })
})
