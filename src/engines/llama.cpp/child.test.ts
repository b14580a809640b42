import { copyFile, mkdtemp, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { tinyChatModel } from '../../../test/support/tiny-chat.ts'
import { describeVulkan } from '../../../test/support/vulkan.ts'
import { PACKAGE_ROOT } from '../../config/index.ts'
import type { KvType, Model } from '../../domain/index.ts'
import type { LoadedDecoder, LoadSpec, OnLoadProgress } from '../contract.ts'
import { chatOf, collect, decoderSuite, user } from '../decoder.suite.ts'
import { engine } from './child.ts'
import type { LlamaDecoder } from './decoder.ts'
import { llamaCpp } from './descriptor.ts'

const FILE = 'tandem-tiny-chat-Q8_0.gguf'
const folder = join(PACKAGE_ROOT, 'models', 'tandem-tiny-chat')

function tinyChat(path: { folder?: string; file?: string; sizeBytes?: number } = {}): Model {
  return tinyChatModel({
    files: { gguf: [{ path: path.file ?? FILE, sizeBytes: path.sizeBytes ?? 33_242_656, sha256: '' }] },
    folder: path.folder ?? folder,
  })
}

function load(more: Partial<LoadSpec> = {}, onProgress?: OnLoadProgress): Promise<LoadedDecoder> {
  const spec = { model: tinyChat(), task: 'chat', device: 'cpu', threads: 1, slots: 2, ...more } as const
  return engine.load(spec, onProgress ? { onProgress } : {}) as Promise<LoadedDecoder>
}

test('a load tells how far it is, up to the whole', async () => {
  const shares: number[] = []
  const decoder = await load({}, (share) => shares.push(share))
  await decoder.dispose()
  expect(shares.length).toBeGreaterThan(10)
  expect(shares).toEqual(shares.toSorted((one, other) => one - other))
  expect(shares[0]).toBeLessThan(0.5)
  expect(shares.at(-1)).toBe(1)
})

const passages = `You answer questions about the project demo from the passages below. Cite the passages that you use as [1], [2]. If they do not answer the question, say so.

[1] src/cache/lru.ts:4-12
\`\`\`ts
/** Evicts the least recently used entry when the cache holds more than \`limit\` entries. */
export function evictOldest(cache: Map<string, Entry>, limit: number): void {
  while (cache.size > limit) cache.delete(cache.keys().next().value)
}
\`\`\`

[2] src/queue/admission.ts:10-18
\`\`\`ts
/** Rejects a request with 429 when the queue of its device is full. */
export function admitRequest(queue: Queue, request: Request): Admission {
  if (queue.length >= queue.maxWaiting) return { status: 429 }
  queue.push(request)
  return { status: 202 }
}
\`\`\`

[3] src/auth/token.ts:1-9
\`\`\`ts
/** Parses the expiry time of a JSON web token. */
export function parseJwtExpiry(token: string): Date {
  return new Date(JSON.parse(atob(token.split('.')[1])).exp * 1000)
}
\`\`\``

const asked = (question: string) => [{ role: 'system', content: passages } as const, user(question)]

decoderSuite('llama.cpp', {
  load,
  messages: asked('What does admitRequest do?'),
  otherMessages: asked('What does parseJwtExpiry do?'),
})

describe('llama.cpp', () => {
  const made: string[] = []
  const scratch = async () => {
    const path = await mkdtemp(join(tmpdir(), 'tandem-llama-'))
    made.push(path)
    return path
  }
  afterAll(async () => {
    for (const path of made) await rm(path, { recursive: true, force: true })
  })

  test.each([
    ['What does admitRequest do?', 2, 'admission.ts'],
    ['Where is evictOldest?', 1, 'lru.ts'],
    ['What does parseJwtExpiry do?', 3, 'parseJwtExpiry'],
  ])('answers from the passages and cites the right one: %s', async (question, passage, word) => {
    const decoder = await load({ slots: 1 })
    try {
      const { result } = await collect(decoder, { ...chatOf(asked(question)), sampling: { stop: [] } })
      expect(result.text).toContain(`[${passage}]`)
      expect(result.text).toContain(word)
      expect(result.finishReason).toBe('stop')
    } finally {
      await decoder.dispose()
    }
  })

  test('a file that is missing, cut, or something else is refused in one sentence', async () => {
    const path = await scratch()
    await copyFile(join(folder, FILE), join(path, 'cut.gguf'))
    await truncate(join(path, 'cut.gguf'), 5_000_000)
    await writeFile(join(path, 'text.gguf'), 'no model at all')
    await writeFile(
      join(path, 'header.gguf'),
      Buffer.concat([Buffer.from('GGUF\u0003\0\0\0'), Buffer.alloc(4000, 255)]),
    )
    for (const [file, sizeBytes, why] of [
      ['none.gguf', 1, 'missing'],
      ['cut.gguf', 33_242_656, '5000000 bytes instead of'],
      ['cut.gguf', 5_000_000, ''], // a wrong manifest must not get past llama.cpp itself
      ['text.gguf', 15, 'not a GGUF file'],
      ['header.gguf', 4008, ''],
    ] as const) {
      const model = tinyChat({ folder: path, file, sizeBytes })
      const failed = await load({ model }).then(
        () => undefined,
        (error: Error & { code?: string }) => error,
      )
      expect(failed?.code, file).toBe('MODEL_FILE_BAD')
      expect(failed?.message).toContain(why)
      expect(failed?.message.split('\n')).toHaveLength(1)
    }
  })

  test('a GPU that is not there is refused: the CPU does not take its place', async () => {
    for (const device of ['CUDA0', 'GPU.1'])
      await expect(load({ device })).rejects.toMatchObject({
        code: 'ENGINE_FAILED',
        message: expect.stringContaining(device),
      })
  })

  test('compute threads change between evaluations; the block of a prompt is that of the first life', async () => {
    const decoder = (await load({ threads: 2, blockThreads: 1, slots: 1 })) as LlamaDecoder
    const first = (await load({ threads: 1, slots: 1 })) as LlamaDecoder
    const answer = () => collect(decoder, chatOf([user('hi')], { sampling: { maxTokens: 1, stop: [] } }))
    try {
      expect(decoder.loaded.block).toBe(first.loaded.block)
      for (const threads of [2, 1]) {
        await decoder.setThreads(threads)
        await answer()
        expect(decoder.loaded.context.currentThreads).toBe(threads)
      }
    } finally {
      await Promise.all([decoder.dispose(), first.dispose()])
    }
  })

  test('the window can be opened smaller than the model allows', async () => {
    const decoder = await load({ contextTokens: 300, slots: 1 })
    try {
      expect(decoder).toMatchObject({ contextTokens: 300, slots: 1 })
      await expect(collect(decoder, chatOf([user('word '.repeat(400))]))).rejects.toMatchObject({
        details: { limit: 300 },
      })
    } finally {
      await decoder.dispose()
    }
  })

  test('keys and values are kept in the wanted type: the cache of a chat shrinks, its answer stays', async () => {
    const stateOf = async (kvType?: KvType) => {
      const decoder = (await load({ slots: 1, ...(kvType ? { kvType } : {}) })) as LlamaDecoder
      try {
        const { result } = await collect(decoder, chatOf(asked('What does admitRequest do?')))
        return { bytes: decoder.loaded.context.stateSize, text: result.text }
      } finally {
        await decoder.dispose()
      }
    }
    const [f16, q8, q4] = [await stateOf(), await stateOf('q8_0'), await stateOf('q4_0')]
    expect(f16.text).toContain('429')
    expect(q8.text).toContain('429')
    expect(q8.bytes / f16.bytes).toBeCloseTo(34 / 64, 2)
    expect(q4.bytes / f16.bytes).toBeCloseTo(18 / 64, 2)
  })

  test('the descriptor names what the engine does', async () => {
    expect(engine.descriptor).toBe(llamaCpp)
    expect(engine.version()).toMatch(/^node-llama-cpp \d+\.\d+\.\d+/)
    expect((await stat(join(folder, FILE))).size).toBe(33_242_656)
  })
})

test('a load that was prepared answers as any other, and what it prepared is used once', async () => {
  const model = tinyChat()
  await engine.prepare?.({ model, task: 'chat', device: 'cpu', threads: 1, slots: 2 })
  const texts: string[] = []
  for (let i = 0; i < 2; i++) {
    const decoder = (await load()) as LlamaDecoder
    try {
      const sampling = { maxTokens: 20, temperature: 0, stop: [] }
      const { result } = await collect(decoder, { ...chatOf(asked('What does admitRequest do?')), sampling })
      texts.push(`${decoder.loaded.wrapper.wrapperName}: ${result.text}`)
    } finally {
      await decoder.dispose()
    }
  }
  expect(texts[0]).toMatch(/^ChatML: \S/)
  expect(texts[0]).toBe(texts[1])
})

describeVulkan('llama.cpp on a GPU', () => {
  // else llama.cpp hides a device in software
  beforeAll(() => vi.stubEnv('GGML_VK_VISIBLE_DEVICES', '0'))
  afterAll(() => vi.unstubAllEnvs())

  const open = (more: Partial<LoadSpec>) =>
    load({ device: 'Vulkan0', contextTokens: 512, slots: 1, ...more }) as Promise<LlamaDecoder>

  test.each([
    [undefined, 9],
    [4, 4],
    [100, 9],
  ])('of %s wanted layers %i are there', async (gpuLayers, there) => {
    const decoder = await open(gpuLayers === undefined ? {} : { gpuLayers })
    try {
      expect(decoder.loaded.model.gpuLayers).toBe(there)
    } finally {
      await decoder.dispose()
    }
  })

  test('a quantized cache answers there', async () => {
    const decoder = await open({ kvType: 'q8_0' })
    try {
      const sampling = { maxTokens: 1, temperature: 0, stop: [] }
      const { result } = await collect(decoder, { ...chatOf([user('Hi')]), sampling })
      expect(result.usage.completionTokens).toBe(1)
    } finally {
      await decoder.dispose()
    }
  }) // shaders compile on the CPU

  test('no layer at all is refused: the CPU does not take its place', async () => {
    await expect(open({ gpuLayers: 0 })).rejects.toMatchObject({
      code: 'ENGINE_FAILED',
      message: expect.stringContaining('gpuLayers is 0'),
    })
  })
})
