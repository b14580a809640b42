import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai'
import { CITY, must, QUESTION, run, server, versionOf } from './checks.mjs'

const configuration = { baseURL: `${server.url}/v1` }
const chat = new ChatOpenAI({
  model: server.chatModel,
  apiKey: 'any',
  configuration,
  maxTokens: 100,
  maxRetries: 0,
})

await run(versionOf('@langchain/openai'), {
  chat: async () => {
    const { content, usage_metadata } = await chat.invoke(QUESTION)
    must(content.length > 0 && usage_metadata.output_tokens > 0, 'text and usage')
  },
  'chat stream': async () => {
    let text = ''
    for await (const { content } of await chat.stream(QUESTION)) text += content
    must(text.length > 0, 'text')
  },
  tools: async () => {
    const tools = [{ type: 'function', function: { name: 'weather', parameters: CITY } }]
    const { tool_calls } = await chat.bindTools(tools, { tool_choice: 'weather' }).invoke(QUESTION)
    must('city' in tool_calls[0].args, 'a call of weather')
  },
  schema: async () => {
    const answer = await chat
      .withStructuredOutput(CITY, { name: 'answer', method: 'jsonSchema' })
      .invoke(QUESTION)
    must('city' in answer, 'an object by the schema')
  },
  embeddings: async () => {
    const embeddings = new OpenAIEmbeddings({ model: server.embedModel, apiKey: 'any', configuration })
    const vectors = await embeddings.embedDocuments(['one', 'two'])
    must(vectors.length === 2 && vectors[0].length === 384, 'two vectors of 384')
  },
  errors: async () => {
    const other = new ChatOpenAI({ model: 'no-such-model', apiKey: 'any', configuration, maxRetries: 0 })
    const thrown = await other.invoke(QUESTION).then(
      () => undefined,
      (error) => error,
    )
    must(thrown?.status === 404, 'status 404')
  },
})
