import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { embedMany, generateObject, generateText, jsonSchema, streamText, tool } from 'ai'
import { CITY, must, QUESTION, run, server, versionOf } from './checks.mjs'

const tandem = createOpenAICompatible({
  name: 'tandem',
  baseURL: `${server.url}/v1`,
  supportsStructuredOutputs: true,
})
const model = tandem(server.chatModel)
const asked = { model, prompt: QUESTION, maxOutputTokens: 24, maxRetries: 0 }

await run(versionOf('ai'), {
  chat: async () => {
    const { text, usage } = await generateText(asked)
    must(text.length > 0 && usage.outputTokens > 0, 'text and usage')
  },
  'chat stream': async () => {
    let text = ''
    for await (const piece of streamText(asked).textStream) text += piece
    must(text.length > 0, 'text')
  },
  tools: async () => {
    const weather = tool({ description: 'weather of a city', inputSchema: jsonSchema(CITY) })
    const { toolCalls } = await generateText({
      ...asked,
      maxOutputTokens: 100,
      tools: { weather },
      toolChoice: 'required',
    })
    must('city' in toolCalls[0].input, 'a call of weather')
  },
  schema: async () => {
    const { object } = await generateObject({ ...asked, maxOutputTokens: 100, schema: jsonSchema(CITY) })
    must('city' in object, 'an object by the schema')
  },
  embeddings: async () => {
    const { embeddings } = await embedMany({
      model: tandem.textEmbeddingModel(server.embedModel),
      values: ['one', 'two'],
    })
    must(embeddings.length === 2 && embeddings[0].length === 384, 'two vectors of 384')
  },
  errors: async () => {
    const thrown = await generateText({ ...asked, model: tandem('no-such-model') }).then(
      () => undefined,
      (error) => error,
    )
    must(thrown?.statusCode === 404, 'status 404')
  },
})
