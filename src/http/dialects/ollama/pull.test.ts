import { describe, expect, test } from 'vitest'
import type { Pulled, PullOutcome } from '../../../models/index.ts'
import { fetched, PullLines, pullName } from './pull.ts'

test.each([
  ['bge-small', { name: 'bge-small' }],
  ['bge-small:latest', { name: 'bge-small' }],
  ['qwen2.5-coder-7b:q5_k_m', { name: 'qwen2.5-coder-7b', file: 'q5_k_m' }],
  ['owner/name@v1:Q4_K_M', { name: 'owner/name@v1', file: 'Q4_K_M' }],
  ['hf.co/owner/name:Q4_K_M', { name: 'owner/name', file: 'Q4_K_M' }],
  ['https://huggingface.co/owner/name', { name: 'owner/name' }],
])('%s', (asked, expected) => {
  expect(pullName(asked)).toEqual(expected)
})

const pulled = (part: object) =>
  ({
    state: 'pulled',
    id: 'owner/name',
    repository: 'owner/name',
    folder: '/home/models',
    warnings: [],
    ...part,
  }) as unknown as Pulled

describe('lines', () => {
  const progress = { file: 'a.gguf', phase: 'fetching' as const, totalBytes: 100, fetchedBytes: 0 }
  function lines() {
    const written: object[] = []
    return { written, pull: new PullLines('owner/name', (line) => written.push(line)) }
  }

  test('bytes are told at most five times a second, each check once, and all of them at the end', () => {
    const { written, pull } = lines()
    for (let ms = 0; ms < 1000; ms += 10) pull.progress({ ...progress, doneBytes: ms / 20 }, ms)
    expect(written).toHaveLength(5)
    expect(written[1]).toEqual({
      status: 'pulling a.gguf',
      digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      total: 100,
      completed: 10,
    })
    for (const ms of [1001, 1300]) pull.progress({ ...progress, phase: 'verifying', doneBytes: 50 }, ms)
    expect(written.slice(5)).toEqual([
      { status: 'verifying sha256 digest', digest: (written[0] as { digest: string }).digest },
    ])
    pull.end(pulled({ tasks: ['chat'], warnings: ['take care'] }), false)
    expect(written.slice(6)).toMatchObject([
      { status: 'pulling owner/name', total: 100, completed: 100 },
      { status: 'take care' },
      { status: expect.stringContaining('set models.chat to owner/name in tandem.yaml') },
      { status: 'success', tandem: { id: 'owner/name', folder: '/home/models', state: 'pulled' } },
    ])
  })

  test('of a model that is served by now nothing is left to do', () => {
    const { written, pull } = lines()
    pull.end(pulled({ tasks: ['chat'] }), true)
    expect(written).toMatchObject([{ status: 'success' }])
  })

  test('where several weights would do, the names to ask for are told', () => {
    const candidates = [{ label: 'Q4_K_M' }, { label: 'Q8_0' }]
    const outcome: PullOutcome = pulled({ state: 'ambiguous', why: 'it has two', candidates })
    expect(() => fetched(outcome)).toThrow(
      'owner/name: it has two; ask for one as owner/name:WEIGHTS, of: Q4_K_M, Q8_0',
    )
  })
})
