// What llama.vim and llama.vscode send, by Node's own fetch: they run in their editors only.
import { must, run, server } from './checks.mjs'

async function ask(path, body) {
  const response = await fetch(`${server.url}${path}`, { method: 'POST', body: JSON.stringify(body) })
  return { status: response.status, body: await response.json() }
}

await run(process.version, {
  tokenize: async () => {
    const content = 'const size = [1, 2]'
    const { body } = await ask('/tokenize', { content })
    must(body.tokens.length > 3, 'tokens')
    const back = await ask('/detokenize', { tokens: body.tokens })
    must(back.body.content === content, 'the text of its tokens')
  },
  infill: async () => {
    const { status, body } = await ask('/infill', {
      input_prefix: 'let a = ',
      input_suffix: '\n',
      n_predict: 4,
    })
    const filled = status === 200 && typeof body.content === 'string'
    must(filled || body.error?.message.includes('fill in'), 'a text, or that this model does not fill in')
  },
  errors: async () => {
    const { status, body } = await ask('/infill', {})
    must(status === 400 && body.error.code === 400, "an error in llama-server's form")
  },
})
