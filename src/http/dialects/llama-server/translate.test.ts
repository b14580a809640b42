import { describe, expect, test } from 'vitest'
import { parse } from '../../validate.ts'
import { DetokenizeBody, InfillBody, TokenizeBody } from './schema.ts'
import { toInfill, toTokenize } from './translate.ts'

const infill = (fields: object = {}) =>
  toInfill(parse(InfillBody, { input_prefix: 'a', input_suffix: 'b', ...fields }), 'id')
const tokenize = (fields: object) => toTokenize(parse(TokenizeBody, { content: 'a', ...fields }))

test('tokenize reads special tokens by their names and adds none, as it does there', () => {
  expect(tokenize({})).toEqual({ text: 'a', add: false, parse: true })
  expect(tokenize({ add_special: true, parse_special: false })).toEqual({
    text: 'a',
    add: true,
    parse: false,
  })
})

test('a bare text to fill in', () => {
  expect(infill()).toEqual({
    model: 'id',
    prompt: 'a',
    infill: { suffix: 'b', extra: [] },
    sampling: { stop: [] },
  })
})

test('what llama.vim sends', () => {
  const asked = infill({
    prompt: '  retu',
    input_extra: [{ filename: 'b.ts', text: 'x', time: 5 }, { text: 'y' }],
    n_predict: 128,
    n_indent: 4,
    top_k: 40,
    top_p: 0.9,
    samplers: ['top_k', 'top_p', 'infill'],
    cache_prompt: true,
    t_max_predict_ms: 500,
    response_fields: ['content'],
  })
  expect(asked).toEqual({
    model: 'id',
    prompt: 'a  retu',
    infill: {
      suffix: 'b',
      extra: [
        { name: 'b.ts', text: 'x' },
        { name: 'tmp', text: 'y' },
      ],
    },
    sampling: { stop: [], maxTokens: 128, topK: 40, topP: 0.9 },
  })
})

test.each([
  [{ n_predict: -1 }, {}],
  [{ top_k: -1 }, { topK: 0 }],
  [{ temperature: 2.5 }, { temperature: 2.5 }],
  [{ temperature: -1 }, { temperature: 0 }],
  [{ n_predict: 0 }, { maxTokens: 1 }],
  [{ seed: -1 }, {}],
  [
    { seed: 7, temperature: 0, min_p: 0.1 },
    { seed: 7, temperature: 0, minP: 0.1 },
  ],
])('sampling %j', (fields, sampling) => {
  expect(infill(fields).sampling).toEqual({ stop: [], ...sampling })
})

describe('refused', () => {
  test.each([
    [() => tokenize({ content: undefined }), 'content'],
    [() => tokenize({ content: 'x'.repeat(1_000_001) }), 'content'],
    [() => tokenize({ with_pieces: true }), 'with_pieces'],
    [() => parse(DetokenizeBody, { tokens: [1, -1] }), 'tokens.1'],
    [() => parse(DetokenizeBody, { tokens: Array(250_001).fill(1) }), 'tokens'],
    [() => infill({ input_suffix: undefined }), 'input_suffix'],
    [() => infill({ input_extra: [{}] }), 'input_extra.0.text'],
    [() => infill({ n_predict: -2 }), 'n_predict'],
  ])('%s naming %s', (read, param) => {
    expect(read).toThrow(expect.objectContaining({ code: 'INVALID_REQUEST', param }))
  })
})

test.each([{ top_k: -2 }, { top_k: 1.5 }, { temperature: 101 }, { temperature: 'hot' }, { n_predict: -3 }])(
  'nonsense is refused by its name: %j',
  (fields) => {
    const [name] = Object.keys(fields)
    expect(() => infill(fields)).toThrow(
      expect.objectContaining({ code: 'INVALID_REQUEST', message: expect.stringContaining(name!) }),
    )
  },
)
