import { expect, test } from 'vitest'
import type { Order } from './contract.ts'
import { ollama } from './ollama.ts'

const running = { models: [{ name: 'llama3:latest', context_length: 8192 }] }

test.each([
  ['llama3', 'llama3:latest'],
  ['llama3:8b', 'llama3:8b'],
  ['hf.co/team/llama3', 'hf.co/team/llama3:latest'],
  ['localhost:5000/llama3', 'localhost:5000/llama3:latest'],
])('%s is %s', (name, full) => {
  expect(ollama.fullName!(name)).toBe(full)
})

test("a model that somebody else loaded is known without its tag, and is not Tandem's to unload", async () => {
  const order: Order = {
    endsMs: Infinity,
    get: async (_, schema) => schema.parse(running),
    post: () => Promise.reject(new Error('nothing is to be asked for')),
  }
  expect(await ollama.keeper!.load(order, 'llama3', undefined)).toBeUndefined()
  expect(await ollama.keeper!.load(order, 'llama3:8b', undefined)).toBe('llama3:8b')
  expect(await ollama.sizes!(async () => running, 'llama3')).toEqual({ contextTokens: 8192 })
})
