import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Tokenizer } from '@huggingface/tokenizers'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import reference from '../../../test/data/reference-pairs.json' with { type: 'json' }
import { PACKAGE_ROOT } from '../../config/index.ts'
import { joinPair } from './pair.ts'
import { pairTemplate } from './pair-template.ts'
import { createEncoderTokenizer } from './tokenizer.ts'

const PLAIN = { splitCamelCase: false, queryPrefix: '', passagePrefix: '' }
const NO_LIMIT = 1_000_000

describe.each(reference.entries)('$name', ({ tokenizer, pairs }) => {
  const json = JSON.stringify(tokenizer)

  test.each(pairs)(
    "ids and types are those of Hugging Face's library: $query + $text, limit $limit",
    (pair) => {
      const { query, text, limit, ids, types } = pair
      const encoded = createEncoderTokenizer(json, PLAIN, limit ?? NO_LIMIT).encodePair(query, text)
      expect(encoded).toEqual({ ids, types, truncated: limit !== null })
    },
  )
})

test('a pair of any texts is what the library makes of it', () => {
  const json = readFileSync(join(PACKAGE_ROOT, 'models/tandem-embed-small/tokenizer.json'), 'utf8')
  const library = new Tokenizer(JSON.parse(json), {})
  const tokenizer = createEncoderTokenizer(json, PLAIN, NO_LIMIT)
  const text = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.lorem())
  const some = text.filter((each) => each !== '') // to the library an empty text is none, which Hugging Face's own denies
  fc.assert(
    fc.property(text, some, (query, other) => {
      const expected = library.encode(query, { text_pair: other, return_token_type_ids: true })
      const { ids, types } = tokenizer.encodePair(query, other)
      expect({ ids, types }).toEqual({ ids: expected.ids, types: expected.token_type_ids })
    }),
    { numRuns: 500 },
  )
})

describe('a pair that does not fit', () => {
  const template = [
    { ids: [0], type: 0 },
    { text: 'A', type: 0 },
    { ids: [1], type: 0 },
    { text: 'B', type: 1 },
  ] as const
  const tokens = (count: number, first: number) => Array.from({ length: count }, (_, i) => first + i)
  const cut = (query: number, text: number, room: number, maxText = NO_LIMIT) => {
    const { ids, types, truncated } = joinPair(template, tokens(query, 100), tokens(text, 500), room, maxText)
    const inQuery = ids.filter((id) => id >= 100 && id < 500)
    const inText = ids.filter((id) => id >= 500)
    expect(inQuery).toEqual(tokens(inQuery.length, 100)) // the beginning of each is kept
    expect(inText).toEqual(tokens(inText.length, 500))
    expect(types).toEqual(ids.map((id) => (id >= 500 ? 1 : 0)))
    return [inQuery.length, inText.length, truncated]
  }

  test.each([
    { query: 4, text: 6, room: 10, kept: [4, 6, false] },
    { query: 4, text: 7, room: 10, kept: [4, 6, true] },
    { query: 5, text: 99, room: 10, kept: [5, 5, true] },
    { query: 9, text: 99, room: 10, kept: [5, 5, true] }, // the query is cut to half, not further
    { query: 9, text: 2, room: 10, kept: [8, 2, true] }, // nor further than the text needs
    { query: 99, text: 0, room: 10, kept: [10, 0, true] },
    { query: 99, text: 99, room: 0, kept: [0, 0, true] },
  ])('$query and $text tokens in a room of $room: $kept', ({ query, text, room, kept }) => {
    expect(cut(query, text, room)).toEqual(kept)
  })

  test('the limit of the text is its own', () => {
    expect(cut(4, 6, 100, 5)).toEqual([4, 5, true])
    expect(cut(4, 5, 100, 5)).toEqual([4, 5, false])
    expect(cut(90, 50, 100, 5)).toEqual([90, 5, true])
  })
})

test.each([
  [{ type: 'Unheard' }, /"Unheard" is not known/],
  [
    { type: 'TemplateProcessing', pair: [{ SpecialToken: { id: 'X', type_id: 0 } }], special_tokens: {} },
    /"X"/,
  ],
  [{ type: 'Sequence', processors: [{ type: 'BertProcessing' }, { type: 'X' }] }, /several templates/],
])('a post-processor without a form for pairs is refused: %j', (post_processor, why) => {
  const file = {
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: null,
    model: { type: 'WordPiece', vocab: {} },
  }
  expect(() => pairTemplate({ ...file, post_processor })).toThrow(why)
})
