import { Ollama } from 'ollama'
import { CITY, must, QUESTION, run, server, versionOf } from './checks.mjs'

const client = new Ollama({ host: server.url })
const messages = [{ role: 'user', content: QUESTION }]
const model = server.chatModel
const options = { num_predict: 24 }

await run(versionOf('ollama'), {
  models: async () => {
    const { models } = await client.list()
    must(
      models.some(({ name }) => name.startsWith(model)),
      'the chat model in the list',
    )
    must((await client.show({ model })).details !== undefined, 'its details')
    await client.ps()
    must((await client.version()).version.length > 0, 'a version')
  },
  chat: async () => {
    const { message, eval_count } = await client.chat({ model, messages, options })
    must(message.content.length > 0 && eval_count > 0, 'text and counts')
  },
  'chat stream': async () => {
    let text = ''
    let last
    for await (const part of await client.chat({ model, messages, options, stream: true })) {
      text += part.message.content
      last = part
    }
    must(text.length > 0 && last.done && last.eval_count > 0, 'text and counts')
  },
  schema: async () => {
    const { message } = await client.chat({ model, messages, format: CITY })
    must('city' in JSON.parse(message.content), 'an object by the schema')
  },
  completions: async () => {
    const { response } = await client.generate({ model, prompt: 'The queue', raw: true, options })
    must(response.length > 0, 'text')
  },
  embeddings: async () => {
    const { embeddings } = await client.embed({ model: server.embedModel, input: ['one', 'two'] })
    must(embeddings.length === 2 && embeddings[0].length === 384, 'two vectors of 384')
  },
  'project in a chat': async () => {
    const answer = await client.chat({ model: server.grounded, messages })
    must(answer.tandem.citations.length > 0, 'citations')
  },
  errors: async () => {
    const thrown = await client.chat({ model: 'no-such-model', messages }).then(
      () => undefined,
      (error) => error,
    )
    must(thrown?.status_code === 404, 'status 404')
  },
})
