import Anthropic from '@anthropic-ai/sdk'
import { CITY, must, QUESTION, run, server, versionOf } from './checks.mjs'

const client = new Anthropic({ baseURL: server.url, apiKey: 'any', maxRetries: 0 })
const asked = { model: server.chatModel, max_tokens: 24, messages: [{ role: 'user', content: QUESTION }] }

await run(versionOf('@anthropic-ai/sdk'), {
  models: async () => {
    const ids = []
    for await (const { id } of client.models.list()) ids.push(id)
    must(ids.includes(server.chatModel), 'the chat model in the list')
  },
  chat: async () => {
    const { content, usage } = await client.messages.create(asked)
    must(content[0].text.length > 0 && usage.output_tokens > 0, 'text and usage')
  },
  'chat stream': async () => {
    const message = await client.messages.stream(asked).finalMessage()
    must(message.content[0].text.length > 0 && message.usage.output_tokens > 0, 'text and usage')
  },
  tools: async () => {
    const { content, stop_reason } = await client.messages.create({
      ...asked,
      max_tokens: 100,
      tools: [{ name: 'weather', input_schema: CITY }],
      tool_choice: { type: 'tool', name: 'weather' },
    })
    const call = content.find(({ type }) => type === 'tool_use')
    must(stop_reason === 'tool_use' && 'city' in call.input, 'a call of weather')
  },
  'count tokens': async () => {
    const { input_tokens } = await client.messages.countTokens({
      model: asked.model,
      messages: asked.messages,
    })
    must(input_tokens > 0, 'a count')
  },
  'project in a chat': async () => {
    const answer = await client.messages.create({ ...asked, model: server.grounded, max_tokens: 100 })
    must(answer.tandem.citations.length > 0, 'citations')
  },
  errors: async () => {
    const thrown = await client.messages.create({ ...asked, model: 'no-such-model' }).then(
      () => undefined,
      (error) => error,
    )
    must(thrown instanceof Anthropic.NotFoundError, 'NotFoundError')
  },
})
