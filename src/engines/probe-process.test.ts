import { expect, test } from 'vitest'
import { runProbeProcess } from './probe-process.ts'

const ENTRY = 'cli/doctor/probe'
const { signal } = new AbortController()

test('an entry that ends well has no reason', async () => {
  expect(await runProbeProcess(ENTRY, ['@ast-grep/napi'], { limitMs: 30_000, signal })).toEqual({
    stdout: '',
  })
})

test('an error is the reason, in one line', async () => {
  const { why } = await runProbeProcess(ENTRY, ['nothing'], { limitMs: 30_000, signal })
  expect(why).toMatch(/^Error: give one of onnxruntime-node, [^\n]*$/)
})

test('a crash is a finding', async () => {
  const env = { NODE_OPTIONS: '--max-old-space-size=1' } // V8 aborts
  const { why } = await runProbeProcess(ENTRY, ['@ast-grep/napi'], { limitMs: 30_000, env, signal })
  expect(why).toMatch(/^ended by SIG|memory|Abort/i)
})

test('one that takes too long is ended', async () => {
  const answer = await runProbeProcess(ENTRY, ['node-llama-cpp'], { limitMs: 1, signal })
  expect(answer.why).toBe('no answer within 0.001 s')
})

test('Ctrl-C ends it', async () => {
  const controller = new AbortController()
  const reason = new Error('Ctrl-C')
  const answer = runProbeProcess(ENTRY, ['node-llama-cpp'], { limitMs: 30_000, signal: controller.signal })
  controller.abort(reason)
  await expect(answer).rejects.toBe(reason)
  await expect(runProbeProcess(ENTRY, [], { limitMs: 1, signal: controller.signal })).rejects.toBe(reason)
})
