import { expect, test } from 'vitest'
import type { DiscoveredEngine } from '../../engines/index.ts'
import { llamaServerChecks } from './llama-server.ts'

const none: DiscoveredEngine = { engine: 'openai', devices: [], settings: {}, env: {}, warnings: [] }
const cpu = { engine: 'openai', name: 'cpu', kind: 'cpu', title: 'EPYC' } as const

test.each([
  ['none', none, ['ok none was found']],
  [
    'a bad one',
    { ...none, problem: '/x: no version', warnings: ['llama-server: /x: no version'] },
    ['warn /x: no version'],
  ],
  [
    'one',
    { ...none, version: 'llama-server b1 (a)', devices: [cpu] },
    ['ok llama-server b1 (a) runs on cpu: EPYC'],
  ],
  [
    'one that stands in for a bad one',
    { ...none, version: 'llama-server b1 (a)', devices: [cpu], warnings: ['llama-server: /x: exit code 3'] },
    ['ok llama-server b1', 'warn llama-server: /x: exit code 3'],
  ],
])('%s', (_, found, expected) => {
  const said = llamaServerChecks(found).map(({ state, found: what }) => `${state} ${what}`)
  expect(said).toEqual(expected.map((each) => expect.stringContaining(each)))
})
