import { expect, test } from 'vitest'
import { z } from 'zod'
import { readOptions } from './command-line.ts'

const Options = z.strictObject({
  runs: z.coerce.number().int().min(1).default(10),
  only: z.enum(['a', 'b']).optional(),
  json: z.boolean().default(false),
})

test('values by their schema, flags without one, defaults for the rest', () => {
  expect(readOptions(['--runs', '3', '--json'], Options)).toEqual({ runs: 3, json: true })
  expect(readOptions([], Options)).toEqual({ runs: 10, json: false })
})

test.each([
  [['--runs', '0'], /^--runs: /],
  [['--only', 'c'], /^--only: .*"a"\|"b"/],
  [['--none'], /--none.*see --help/],
  [['--json=1'], /--json.*see --help/],
])('%j is refused by name', (argv, what) => {
  expect(readOptions(argv, Options)).toMatch(what)
})
