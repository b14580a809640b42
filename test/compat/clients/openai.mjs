import OpenAI from 'openai'
import { CITY, must, QUESTION, run, server, versionOf } from './checks.mjs'

const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'any', maxRetries: 0 })
const messages = [{ role: 'user', content: QUESTION }]
const model = server.chatModel

await run(versionOf('openai'), {
  models: async () => {
    const ids = (await client.models.list()).data.map(({ id }) => id)
    must(ids.includes(model) && ids.includes(server.embedModel), 'both models in the list')
  },
  chat: async () => {
    const { choices, usage } = await client.chat.completions.create({ model, messages, max_tokens: 24 })
    must(choices[0].message.content.length > 0 && usage.completion_tokens > 0, 'text and usage')
  },
  'chat stream': async () => {
    const stream = await client.chat.completions.create({
      model,
      messages,
      max_tokens: 24,
      stream: true,
      stream_options: { include_usage: true },
    })
    let text = ''
    let usage
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? ''
      usage ??= chunk.usage
    }
    must(text.length > 0 && usage.completion_tokens > 0, 'text and usage')
  },
  tools: async () => {
    const tools = [{ type: 'function', function: { name: 'weather', parameters: CITY } }]
    const { choices } = await client.chat.completions.create({
      model,
      messages,
      tools,
      tool_choice: 'required',
    })
    const [call] = choices[0].message.tool_calls
    must(
      call.function.name === 'weather' && 'city' in JSON.parse(call.function.arguments),
      'a call of weather',
    )
  },
  schema: async () => {
    const { choices } = await client.chat.completions.create({
      model,
      messages,
      response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: CITY } },
    })
    must('city' in JSON.parse(choices[0].message.content), 'an object by the schema')
  },
  completions: async () => {
    const { choices } = await client.completions.create({
      model,
      prompt: 'The queue',
      max_tokens: 8,
      temperature: 0,
    })
    must(choices[0].text.length > 0, 'text')
  },
  embeddings: async () => {
    const { data } = await client.embeddings.create({ model: server.embedModel, input: ['one', 'two'] })
    must(data.length === 2 && data[0].embedding.length === 384, 'two vectors of 384')
  },
  responses: async () => {
    const response = await client.responses.create({ model, input: QUESTION, max_output_tokens: 24 })
    must(response.output_text.length > 0 && response.usage.output_tokens > 0, 'text and usage')
    const stream = client.responses.stream({ model, input: QUESTION, max_output_tokens: 24 })
    must((await stream.finalResponse()).output_text.length > 0, 'streamed text')
  },
  'project in a chat': async () => {
    const answer = await client.chat.completions.create({ model: server.grounded, messages })
    must(answer.tandem.citations.length > 0, 'citations')
  },
  errors: async () => {
    const asked = client.chat.completions.create({ model: 'no-such-model', messages })
    const thrown = await asked.then(
      () => undefined,
      (error) => error,
    )
    must(thrown instanceof OpenAI.NotFoundError && thrown.code === 'model_not_found', 'NotFoundError')
  },
})
