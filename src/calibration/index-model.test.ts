import { expect, test } from 'vitest'
import type { FoundServer } from '../engines/index.ts'
import { withIndexModel } from './index-model.ts'

const server = (name: string, dimensions?: number): FoundServer => ({
  name,
  kind: 'lmstudio',
  url: 'http://127.0.0.1:1234',
  local: true,
  answered: true,
  models: [
    { name: 'nomic', tasks: ['embed'], ...(dimensions === undefined ? {} : { dimensions }) },
    { name: 'chat', tasks: ['chat'] },
  ],
})

async function dimensionsOf(
  wanted: string | undefined,
  servers: FoundServer[],
  known: FoundServer[] = [],
  fails = false,
) {
  const [questions, warnings]: [string[], string[]] = [[], []]
  const ask = async ({ name }: FoundServer, model: { name: string }) => {
    questions.push(`${name} ${model.name}`)
    if (fails) throw new Error('it is away')
    return 768
  }
  const found = await withIndexModel(servers, {
    wanted,
    known,
    ask,
    warn: (text) => void warnings.push(text),
  })
  return { questions, warnings, told: found.map(({ models }) => models.map(({ dimensions }) => dimensions)) }
}

test('only the model that the user chose for the index is asked, by its name or by that of its server before it', async () => {
  const both = [server('a'), server('b')]
  expect(await dimensionsOf(undefined, both)).toMatchObject({ questions: [] })
  expect(await dimensionsOf('chat', both)).toMatchObject({ questions: [] })
  const [one, other] = [
    [768, undefined],
    [undefined, undefined],
  ]
  expect(await dimensionsOf('b/nomic', both)).toMatchObject({ questions: ['b nomic'], told: [other, one] })
  expect(await dimensionsOf('nomic', both)).toMatchObject({ questions: ['a nomic'], told: [one, other] })
})

test('what is told, or was asked before, is not asked', async () => {
  expect(await dimensionsOf('nomic', [server('a', 384)])).toMatchObject({
    questions: [],
    told: [[384, undefined]],
  })
  const known = [server('a', 512)]
  expect(await dimensionsOf('nomic', [server('a')], known)).toMatchObject({
    questions: [],
    told: [[512, undefined]],
  })
})

test('one that does not answer is a warning', async () => {
  const { warnings, told } = await dimensionsOf('nomic', [server('a')], [], true)
  expect(warnings).toEqual([expect.stringMatching(/^models\.embed: nomic .*it is away$/)])
  expect(told).toEqual([[undefined, undefined]])
})
