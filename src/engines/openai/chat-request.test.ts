import { expect, test } from 'vitest'
import { PNG_URL, png } from '../../../test/support/pictures.ts'
import type { ChatMessage } from '../../domain/index.ts'
import { toMessages } from './chat-request.ts'

const part = (more: object = {}) => ({ type: 'image_url', image_url: { url: PNG_URL, ...more } })
const text = (words: string) => ({ type: 'text', text: words })
const call = { id: 'c1', name: 'look', arguments: '{}' }
const calling = { role: 'assistant', content: '', toolCalls: [call] } as const
const called = {
  role: 'assistant',
  content: null,
  tool_calls: [{ id: 'c1', type: 'function', function: { name: 'look', arguments: '{}' } }],
}

test.each<[string, ChatMessage[], unknown[]]>([
  ['text alone is a string', [{ role: 'user', content: 'a' }], [{ role: 'user', content: 'a' }]],
  [
    'pictures stand at their places',
    [
      {
        role: 'user',
        content: 'ab',
        images: [
          { at: 0, source: png, detail: 'low' },
          { at: 1, source: png },
          { at: 2, source: { url: 'https://example.com/a.png' } },
        ],
      },
    ],
    [
      {
        role: 'user',
        content: [
          part({ detail: 'low' }),
          text('a'),
          part(),
          text('b'),
          { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
        ],
      },
    ],
  ],
  [
    "those of tools' results follow all results",
    [
      calling,
      { role: 'tool', content: 'one', toolCallId: 'c1', images: [{ at: 0, source: png }] },
      { role: 'tool', content: 'two', toolCallId: 'c2' },
      { role: 'user', content: 'What is it?' },
    ],
    [
      called,
      { role: 'tool', content: 'one', tool_call_id: 'c1' },
      { role: 'tool', content: 'two', tool_call_id: 'c2' },
      { role: 'user', content: [part()] },
      { role: 'user', content: 'What is it?' },
    ],
  ],
  [
    'also at the end',
    [{ role: 'tool', content: '', toolCallId: 'c1', images: [{ at: 0, source: png }] }],
    [
      { role: 'tool', content: '', tool_call_id: 'c1' },
      { role: 'user', content: [part()] },
    ],
  ],
])('%s', (_, messages, sent) => {
  expect(toMessages(messages)).toEqual(sent)
})
