import { defineCommand } from '../command.ts'
import { withServer } from '../connect.ts'
import { UsageError } from '../failure.ts'
import { integer, jsonOption, text } from '../options.ts'
import { table } from '../print/table.ts'
import { textsOf } from '../texts.ts'

/** Characters of a document that are shown. */
const SHOWN_CHARACTERS = 80

export const rerank = defineCommand({
  name: 'rerank',
  summary: 'order texts by how well they answer a query',
  description: 'No reranking model ships: `tandem pull` gets one, models.rerank chooses among several.',
  args: [
    { name: 'query', help: 'what is asked; one argument', required: true },
    {
      name: 'document',
      help: 'a text each; `-` reads one from standard input',
      required: true,
      variadic: true,
    },
  ],
  options: {
    model: text('<id>', 'the reranking model; without it the one of the plan'),
    top: integer('<n>', 'results at most', { min: 1, max: 10_000, initial: 10 }),
    json: jsonOption,
  },
  examples: [
    {
      line: 'tandem rerank "restart a worker" "kill the worker, then fork" "the sun shines"',
      does: 'both texts, the better one first',
    },
    {
      line: 'tandem rerank "restart a worker" - "fork again" --top 1 --json < notes.txt',
      does: 'the better one as JSON',
    },
  ],
  run: async (context, [query = '', ...words], { model, top, json }) => {
    if (query.trim() === '') throw new UsageError('the query is empty')
    const documents = await textsOf(words, context.io)
    return withServer(context, ['rerank'], async ({ client }) => {
      const { fallback, ...document } = await client.rerank({ model, query, documents, top_n: top })
      if (fallback) context.say(`fell back: ${fallback}`)
      for (const at of document.truncated)
        context.say(`document ${at + 1} is longer than the model reads and was cut`)
      if (json) {
        context.json(document)
        return 0
      }
      context.say(`${document.model} on ${document.device} (${document.engine})`)
      const rows = document.results.map(({ index, relevance_score }) => [
        `${index + 1}.`,
        relevance_score.toFixed(3),
        (documents[index] ?? '').replace(/\s+/g, ' ').slice(0, SHOWN_CHARACTERS),
      ])
      context.print(table(rows))
      return 0
    })
  },
})
