import { expect, test } from 'vitest'
import { document, failuresOf, table } from './matrix.ts'

const results = [
  { client: 'a', version: '1.0', routes: new Map([['chat', undefined]]) },
  {
    client: 'b',
    version: '2.0',
    routes: new Map([
      ['chat', 'no text'],
      ['models', undefined],
    ]),
  },
  { client: 'c', version: '', routes: new Map(), problem: 'not tried' },
]

test('a table of all routes that any client has', () => {
  expect(table(results).split('\n')).toEqual([
    'client  chat  models',
    'a 1.0   yes',
    'b 2.0   NO    yes',
    'c',
  ])
})

test('what does not work and what was not tried are failures', () => {
  expect(failuresOf(results)).toEqual(['b, chat: no text', 'c: not tried'])
  expect(document(results).clients[1]).toEqual({
    client: 'b',
    version: '2.0',
    routes: { chat: 'no text', models: 'works' },
  })
})
