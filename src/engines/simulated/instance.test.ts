import { expect, test } from 'vitest'
import { fulfils } from '../decoder.suite.ts'
import { schemaGrammar } from '../llama.cpp/schema-grammar.ts'
import { leastInstance } from './instance.ts'

test.each([
  [{ type: 'object', properties: { a: { type: 'string' }, b: { type: 'number' } }, required: ['a'] }],
  [{ type: 'string', minLength: 30, maxLength: 40 }],
  [{ type: 'string', maxLength: 3 }],
  [{ type: 'string', format: 'date-time' }],
  [{ type: 'string', format: 'uuid' }],
  [{ type: 'integer', minimum: 7 }],
  [{ type: 'integer', exclusiveMaximum: -3 }],
  [{ type: 'number', exclusiveMinimum: 2, maximum: 3 }],
  [{ type: 'array', items: { type: 'boolean' }, minItems: 2 }],
  [{ type: 'array', prefixItems: [{ type: 'null' }, { const: 'x' }] }],
  [{ oneOf: [{ type: 'integer' }, { type: 'string' }] }],
  [{ type: ['null', 'string'] }],
  [{ required: ['x'], additionalProperties: { type: 'integer' } }],
  [{ minimum: 3, maximum: 9 }],
  [{ type: 'object', minProperties: 1, additionalProperties: { type: 'string' } }],
])('the least instance of %j fulfils it', (schema) => {
  expect(() => schemaGrammar(schema, 'schema')).not.toThrow() // one that real answers can keep too
  expect(fulfils(schema, leastInstance(schema))).toBe(true)
})

test('what can never end is left out, and alone it has no instance', () => {
  const $defs = { never: { $ref: '#/$defs/never' } }
  expect(leastInstance({ anyOf: [{ $ref: '#/$defs/never' }, { enum: ['second'] }], $defs })).toBe('second')
  expect(leastInstance({ type: 'object', properties: { a: { $ref: '#' } }, required: ['a'] })).toBeUndefined()
})
