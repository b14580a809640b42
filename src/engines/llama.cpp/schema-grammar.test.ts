import fc from 'fast-check'
import { getLlama, type Llama, LlamaLogLevel } from 'node-llama-cpp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { JsonSchema } from '../../domain/index.ts'
import { fulfils } from '../decoder.suite.ts'
import { integerRange, numberRange } from './gbnf.ts'
import { choiceGrammar, jsonObjectGrammar, schemaGrammar } from './schema-grammar.ts'

let llama: Llama

beforeAll(async () => {
  llama = await getLlama({ gpu: false, build: 'never', progressLogs: false, logLevel: LlamaLogLevel.fatal })
})
afterAll(async () => {
  await llama?.dispose()
})

/** Whether llama.cpp takes the text as a whole under the grammar. */
async function takes(grammar: string, text: string): Promise<boolean> {
  // @internal in node-llama-cpp's types; it asks the same native code that samples
  const compiled = (await llama.createGrammar({ grammar })) as unknown as { _testText(text: string): boolean }
  return compiled._testText(text)
}

const takesJson = (schema: JsonSchema, value: unknown, space = '') =>
  takes(schemaGrammar(schema, 'schema'), JSON.stringify(value).replace(/([:,])(?=["[{\d-])/g, `$1${space}`))

const person: JsonSchema = {
  type: 'object',
  properties: {
    name: { type: 'string', maxLength: 5 },
    age: { type: 'integer', minimum: 0, maximum: 130 },
    nick: { type: ['string', 'null'] },
    role: { enum: ['a "b"', 3, null, 'é'] },
    tags: { type: 'array', items: { type: 'string' }, maxItems: 2 },
  },
  required: ['name', 'role'],
}

describe('schemaGrammar', () => {
  test.each([
    [{ name: 'x', role: 3 }, true],
    [{ name: 'x', age: 130, role: null }, true],
    [{ name: 'x', nick: null, role: 'é', tags: [] }, true],
    [{ name: 'x', age: 7, nick: 'é😀\n"', role: 'a "b"', tags: ['1', '2'] }, true],
    [{ name: 'xxxxxx', role: 3 }, false],
    [{ name: 'x' }, false],
    [{ name: 'x', age: 131, role: 3 }, false],
    [{ name: 'x', role: 4 }, false],
    [{ name: 'x', role: 3, tags: ['1', '2', '3'] }, false],
    [{ name: 'x', role: 3, more: 1 }, false],
  ])('%j: %s', async (value, taken) => {
    expect(await takesJson(person, value)).toBe(taken)
    expect(await takesJson(person, value, ' ')).toBe(taken)
    if (taken) expect(fulfils(person, value)).toBe(true)
  })

  test('optional members may be left out in any way, in their order', async () => {
    const schema = {
      type: 'object',
      properties: { a: { const: 1 }, b: { const: 2 }, c: { const: 3 } },
      required: ['b'],
    }
    const taken = []
    for (const text of [
      '{"b":2}',
      '{"a":1,"b":2}',
      '{"b":2,"c":3}',
      '{"a":1,"b":2,"c":3}',
      '{"a":1}',
      '{}',
      '{,"b":2}',
    ])
      taken.push(await takes(schemaGrammar(schema, 's'), text))
    expect(taken).toEqual([true, true, true, true, false, false, false])
  })

  const cases: [string, JsonSchema, unknown[], unknown[]][] = [
    ['anyOf', { anyOf: [{ type: 'integer' }, { type: 'boolean' }] }, [1, true], ['x', null]],
    ['nullable', { type: 'string', nullable: true }, ['x', null], [1]],
    [
      'references',
      { $ref: '#/$defs/a', $defs: { a: { type: 'array', items: { $ref: '#/$defs/b' } }, b: { const: 7 } } },
      [[], [7, 7]],
      [[8]],
    ],
    [
      'definitions',
      {
        properties: { a: { $ref: '#/definitions/a~1b' } },
        required: ['a'],
        definitions: { 'a/b': { type: 'null' } },
      },
      [{ a: null }],
      [{ a: 1 }],
    ],
    [
      'tuples',
      { type: 'array', prefixItems: [{ type: 'integer' }, { type: 'string' }] },
      [[1, 'a']],
      [['a', 1], [1]],
    ],
    [
      'lengths',
      { type: 'array', items: { type: 'integer' }, minItems: 2, maxItems: 3 },
      [
        [1, 2],
        [1, 2, 3],
      ],
      [[1], [1, 2, 3, 4]],
    ],
    [
      'maps',
      { type: 'object', additionalProperties: { type: 'integer' } },
      [{}, { a: 1, b: 2 }],
      [{ a: 'x' }],
    ],
    ['required names without a schema', { type: 'object', required: ['a'] }, [{ a: [1, { b: 'c' }] }], [{}]],
    ['any value', {}, [1, 'a', null, [[1]], { a: { b: [] } }], []],
    [
      'dates',
      { type: 'string', format: 'date-time' },
      ['2026-11-23T01:02:03Z'],
      ['2026-13-01T00:00:00Z', 'now'],
    ],
    ['unknown formats', { type: 'string', format: 'email' }, ['a@b.c'], []],
    [
      'recursion',
      { type: 'object', properties: { next: { $ref: '#' } } },
      [{}, { next: { next: {} } }],
      [{ next: 1 }],
    ],
    [
      'line ends in names',
      { type: 'object', properties: { 'a\n"\\': { const: 'x\ty\u0001' } }, required: ['a\n"\\'] },
      [{ 'a\n"\\': 'x\ty\u0001' }],
      [{}],
    ],
    ['single allOf', { allOf: [{ type: 'integer' }] }, [3], ['x']],
  ]
  test.each(cases)('%s', async (_, schema, good, wrong) => {
    for (const value of good) expect(await takesJson(schema, value), JSON.stringify(value)).toBe(true)
    for (const value of wrong) expect(await takesJson(schema, value), JSON.stringify(value)).toBe(false)
  })

  test.each<[string, JsonSchema]>([
    ['schema.pattern', { type: 'string', pattern: 'x' }],
    ['schema.properties.a.items.not', { properties: { a: { items: { not: {} } } } }],
    ['schema.uniqueItems', { type: 'array', uniqueItems: true }],
    ['schema.allOf', { allOf: [{ type: 'object' }, { type: 'object' }] }],
    ['schema.anyOf', { properties: { a: true }, anyOf: [{ required: ['a'] }] }],
    ['schema.$ref: https://x/y', { $ref: 'https://x/y' }],
    ['#/$defs/none', { $ref: '#/$defs/none' }],
    ['schema.type', { type: 'date' }],
    ['schema.enum', { enum: [] }],
    ['no finite value', { type: 'object', properties: { next: { $ref: '#' } }, required: ['next'] }],
    ['no finite value', { $ref: '#' }],
    ['schema.minLength', { type: 'string', minLength: 5, maxLength: 4 }],
    ['schema: no supported integer', { type: 'integer', minimum: 5, maximum: 4 }],
  ])('refuses with %s', (message, schema) => {
    expect(() => schemaGrammar(schema, 'schema')).toThrow(
      expect.objectContaining({ code: 'INVALID_REQUEST', message: expect.stringContaining(message) }),
    )
  })

  test.each<[JsonSchema, unknown]>([
    [{ type: 'array', items: { type: 'string', maxLength: 1e9 }, maxItems: 1e9 }, ['a']],
    [{ type: 'array', items: { type: 'integer', minimum: -1e300 }, minItems: 250 }, Array(250).fill(1)],
    [{ type: 'string', minLength: 1000 }, 'x'.repeat(1000)],
    [{ type: 'object', additionalProperties: true, maxProperties: 1e9, minProperties: 1 }, { a: 1 }],
  ])('large limits fit into what llama.cpp repeats (%#)', async (schema, value) => {
    expect(await takesJson(schema, value)).toBe(true)
  })

  test('depth and size are bounded', () => {
    let deep: JsonSchema = { type: 'null' }
    for (let i = 0; i < 5000; i++) deep = { type: 'array', items: deep }
    expect(() => schemaGrammar(deep, 'schema')).toThrow(/nested deeper/)
    const wide = {
      properties: Object.fromEntries(Array.from({ length: 9000 }, (_, i) => [`p${i}`, { type: 'null' }])),
    }
    expect(() => schemaGrammar(wide, 'schema')).toThrow(/more than/)
    const bush = { properties: { a: { $ref: '#' }, b: { $ref: '#' }, c: { $ref: '#' } } }
    expect(schemaGrammar(bush, 'schema').length).toBeLessThan(20_000)
  })

  test('other grammars', async () => {
    expect(await takes(jsonObjectGrammar(), '{"a": [1, {"b": "\\u00e9"}], "c": -1.5e10}')).toBe(true)
    expect(await takes(jsonObjectGrammar(), '[1]')).toBe(false)
    expect(await takes(jsonObjectGrammar(), '{"a": "\\ud800"}')).toBe(false)
    expect(await takes(choiceGrammar(['open', 'open_all']), 'open_all')).toBe(true)
  })
})

describe('ranges', () => {
  const bound = fc.integer({ min: -1200, max: 1200 })

  test('integers: exactly those between the bounds', async () => {
    await fc.assert(
      fc.asyncProperty(
        bound,
        bound,
        fc.array(bound, { minLength: 5, maxLength: 5 }),
        async (a, b, probes) => {
          const [low, high] = [Math.min(a, b), Math.max(a, b)]
          const grammar = `root ::= ${integerRange(low, high)}\n`
          for (const probe of [low - 1, low, high, high + 1, ...probes])
            expect(await takes(grammar, String(probe)), `${low}..${high} ${probe}`).toBe(
              probe >= low && probe <= high,
            )
        },
      ),
      { numRuns: 60 },
    )
  })

  test('numbers: none outside the bounds', async () => {
    const real = fc.double({ min: -30, max: 30, noNaN: true })
    await fc.assert(
      fc.asyncProperty(bound, bound, real, fc.boolean(), async (a, b, shift, open) => {
        const [low, high] = [Math.min(a, b) / 10, Math.max(a, b) / 10]
        const range = numberRange(low, high, open, open)
        if (range === undefined) return
        for (const probe of [low, high, low + shift, high + shift, Math.ceil(low) + 0.5]) {
          const inside = open ? probe > low && probe < high : probe >= low && probe <= high
          if (await takes(`root ::= ${range}\n`, String(probe)))
            expect(inside, `${low}..${high} ${probe}`).toBe(true)
        }
      }),
      { numRuns: 60 },
    )
    expect(await takes(`root ::= ${numberRange(0, 1, false, false)}\n`, '0.25')).toBe(true)
  })
})
