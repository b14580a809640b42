import { describe, expect, test } from 'vitest'
import type { ChatMessage } from '../../domain/index.ts'
import { ownTemplate } from './own-template.ts'

const user: ChatMessage = { role: 'user', content: 'Hello' }
const assistant: ChatMessage = { role: 'assistant', content: 'Yes?' }
const call = { id: 'c', name: 'look', arguments: '{}' }

const TEMPLATE =
  "{{ bos_token }}{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}{% endfor %}{% if add_generation_prompt %}<a>{% endif %}"
const source = { template: TEMPLATE, bosToken: '<s>', eosToken: '</s>' }

/** As a server would, with a change of its own. */
const server =
  (bos: string, change = (content: string) => content) =>
  (messages: readonly ChatMessage[]) =>
    Promise.resolve(`${bos}${messages.map(({ role, content }) => `<${role}>${change(content)}`).join('')}<a>`)

test.each([
  ['<s>', '<s><user>Hello<a>'],
  ['', '<user>Hello<a>'], // its tokenizer adds it
])(
  'a template that gives what the server gives is rendered here; the server begins with "%s"',
  async (bos, prompt) => {
    const render = await ownTemplate(source, server(bos))
    expect(render?.([user])).toBe(prompt)
  },
)

describe('left to the server', () => {
  test.each<[string, ChatMessage[]]>([
    ['a turn too many', [user, user]],
    ['an answer that is to go on', [user, assistant]],
    ['a call of a tool', [user, { ...assistant, toolCalls: [call] }, user]],
    [
      "a tool's result",
      [user, { ...assistant, toolCalls: [call] }, { role: 'tool', content: '1', toolCallId: 'c' }],
    ],
    ['nothing', []],
    [
      'more than can be rendered in no time',
      Array.from({ length: 65 }, (_, at) => (at % 2 ? assistant : user)),
    ],
  ])('%s', async (_, messages) => {
    const render = await ownTemplate(source, server('<s>'))
    expect(render?.(messages)).toBeUndefined()
  })

  test('a chat that the template refuses', async () => {
    const template = `${TEMPLATE}{% if messages[0]['content'] == 'no' %}{{ raise_exception('no') }}{% endif %}`
    const render = await ownTemplate({ ...source, template }, server('<s>'))
    expect(render?.([{ role: 'user', content: 'no' }])).toBeUndefined()
  })

  test('a server that renders nothing by itself', async () => {
    expect(await ownTemplate(source, () => Promise.reject(new Error('no such route')))).toBeUndefined()
  })

  test.each<[string, string, (content: string) => string]>([
    ['a server that trims', TEMPLATE, (content) => content.trim()],
    ['no template', '', String],
    [
      'a template that tells the time',
      `${TEMPLATE}{% if false %}{{ strftime_now('%d') }}{% endif %}`,
      String,
    ],
    ['a template that cannot be read here', '{% for %}', String],
    ['a template that counts by itself', `${TEMPLATE}{% for i in range(1) %}{% endfor %}`, String],
  ])('%s', async (_, template, change) => {
    expect(await ownTemplate({ ...source, template }, server('<s>', change))).toBeUndefined()
  })
})
