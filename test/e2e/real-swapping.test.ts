/** Two chat models of the real llama.cpp for which the memory that the configuration gives has no room together. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Plan, PlannedPlacement } from '../../src/domain/index.ts'
import { CHAT, embed, listen, post, statusOf } from '../support/api.ts'
import { tandemJson } from '../support/cli.ts'
import { writeSecondChat } from '../support/second-chat.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const GIB = 1024 ** 3
const SECOND = 'second-chat'
const MODELS = [CHAT, SECOND]
const CLIENTS = 8
const ROUNDS = 4
const QUESTIONS = ['Where is the queue bounded?', 'Say hello.']

let home: string
let server: TestServer
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'tandem-real-swapping-'))
  const models = { apply: await writeSecondChat(home, SECOND) }
  const config = {
    models,
    chat: { slots: 1, contextTokens: 512 },
    placement: { never: ['gpu', 'igpu', 'dgpu'] },
  }
  const wide = await startTestServer({ home, config, early: true })
  const { tasks } = await tandemJson<Plan>(['plan'], { home })
  await wide.stop()
  const needs = (list: readonly PlannedPlacement[] = []) => list.map(({ memory }) => memory!.hostBytes)
  const [first = 0] = needs(tasks.chat)
  const [encoder = 0] = needs(tasks.embed)
  expect(tasks.chat?.map(({ model, swapsWith }) => [model, swapsWith])).toEqual(
    MODELS.map((model) => [model, undefined]),
  )
  const memory = { cpu: (encoder + 1.5 * first) / GIB }
  server = await startTestServer({
    home,
    config: { ...config, placement: { ...config.placement, memory } },
  })
})
afterAll(async () => {
  await server?.stop()
  rmSync(home, { recursive: true, force: true })
})

interface Completion {
  readonly model: string
  readonly choices?: readonly { readonly message: { readonly content: string } }[]
}

interface Answer {
  readonly status: number
  readonly model: string
  readonly text: string
  readonly fallback: string | null
}

async function ask(model: string, question: string, stream = false): Promise<Answer> {
  const response = await post(server, '/v1/chat/completions', {
    model,
    messages: [{ role: 'user', content: question }],
    max_tokens: 16,
    temperature: 0,
    stream,
  })
  const { status } = response
  const fallback = response.headers.get('x-tandem-fallback')
  if (!stream) {
    const body = (await response.json()) as Completion
    return {
      status,
      fallback,
      model: body.model,
      text: body.choices?.[0]?.message.content ?? JSON.stringify(body),
    }
  }
  const lines = (await response.text()).split('\n').filter((line) => line.startsWith('data: {'))
  const chunks = lines.map((line) => JSON.parse(line.slice('data: '.length)))
  const text = chunks.map((chunk) => chunk.choices?.[0]?.delta?.content ?? '').join('')
  return {
    status,
    fallback,
    model: chunks[0]?.model,
    text: chunks.find(({ error }) => error)?.error.message ?? text,
  }
}

test('both are asked by many at once, streaming or not, while texts are embedded: each answer is of its model, one is loaded at a time', async () => {
  const plan = (await (await fetch(`${server.url}/tandem/v1/plan`)).json()) as Plan
  const id = (model: string) => `chat:${model}:llama.cpp:cpu`
  expect(plan.tasks.chat?.map(({ model, swapsWith }) => [model, swapsWith])).toEqual([
    [CHAT, [id(SECOND)]],
    [SECOND, [id(CHAT)]],
  ])
  const known = new Map<string, string>()
  for (const model of MODELS)
    for (const question of QUESTIONS) known.set(`${model} ${question}`, (await ask(model, question)).text)
  for (const question of QUESTIONS)
    expect(known.get(`${CHAT} ${question}`)).not.toBe(known.get(`${SECOND} ${question}`))

  const ended = new AbortController()
  const { heard, reading } = await listen<{ model: string; phase: string }>(server, 'loading', ended.signal)
  let running = true
  const together: number[] = []
  const watching = (async () => {
    while (running) {
      const { workers } = await statusOf(server)
      const loaded = workers.filter(({ task, pid }) => task === 'chat' && pid !== undefined)
      if (loaded.length > 1) together.push(loaded.length)
    }
  })()
  const embedded: number[] = []
  const embedding = (async () => {
    while (running) embedded.push((await embed(server, `text ${embedded.length}`)).status)
  })()

  const answers: { readonly asked: string; readonly question: string; readonly answer: Answer }[] = []
  await Promise.all(
    Array.from({ length: CLIENTS }, async (_, client) => {
      for (let round = 0; round < ROUNDS; round++) {
        const asked = MODELS[(client + round) % 2]!
        const question = QUESTIONS[Math.floor(client / 2) % 2]!
        answers.push({ asked, question, answer: await ask(asked, question, client % 4 > 1) })
      }
    }),
  )
  running = false
  await Promise.all([watching, embedding])
  ended.abort()
  await reading

  expect(answers).toHaveLength(CLIENTS * ROUNDS)
  for (const { asked, question, answer } of answers)
    expect(answer).toEqual({
      status: 200,
      fallback: null,
      model: asked,
      text: known.get(`${asked} ${question}`),
    })
  expect(together).toEqual([])
  expect(embedded.length).toBeGreaterThan(20)
  expect(embedded.filter((status) => status !== 200)).toEqual([])
  const starts = heard.filter(({ phase }) => phase === 'started').map(({ model }) => model)
  expect(starts.length).toBeGreaterThan(1)
  expect(starts.length).toBeLessThan(answers.length / 2) // one load serves those that wait for it
  for (const [at, model] of starts.entries()) expect(model).not.toBe(starts[at - 1])
  expect(heard.filter(({ phase }) => phase === 'loaded')).toHaveLength(starts.length)
})
