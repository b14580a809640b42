import { OpenAI, OpenAIEmbedding } from '@llamaindex/openai'
import { must, QUESTION, run, server, versionOf } from './checks.mjs'

const settings = { apiKey: 'any', baseURL: `${server.url}/v1`, maxRetries: 0 }
const llm = new OpenAI({ ...settings, model: server.chatModel, maxTokens: 24 })
const messages = [{ role: 'user', content: QUESTION }]

await run(versionOf('@llamaindex/openai'), {
  chat: async () => {
    const { message } = await llm.chat({ messages })
    must(message.content.length > 0, 'text')
  },
  'chat stream': async () => {
    let text = ''
    for await (const { delta } of await llm.chat({ messages, stream: true })) text += delta
    must(text.length > 0, 'text')
  },
  embeddings: async () => {
    const embedding = new OpenAIEmbedding({ ...settings, model: server.embedModel })
    const vectors = await embedding.getTextEmbeddingsBatch(['one', 'two'])
    must(vectors.length === 2 && vectors[0].length === 384, 'two vectors of 384')
  },
})
