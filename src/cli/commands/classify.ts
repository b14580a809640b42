import { defineCommand } from '../command.ts'
import { withServer } from '../connect.ts'
import { integer, jsonOption, text } from '../options.ts'
import { table } from '../print/table.ts'
import { textsOf } from '../texts.ts'

export const classify = defineCommand({
  name: 'classify',
  summary: 'give texts labels',
  description:
    'Which labels there are is the business of the model; none ships. `tandem pull` gets one, models.classify chooses among several.',
  args: [
    { name: 'text', help: 'a text each; `-` reads one from standard input', required: true, variadic: true },
  ],
  options: {
    model: text('<id>', 'the classifier; without it the one of the plan'),
    top: integer('<n>', 'labels of each text at most', { min: 1, max: 1000, initial: 5 }),
    json: jsonOption,
  },
  examples: [
    { line: 'tandem classify "it crashes when I press Enter"', does: 'the best labels with their scores' },
    { line: 'tandem classify - --json < issue.txt', does: 'one file as JSON' },
  ],
  run: async (context, words, { model, top, json }) => {
    const input = await textsOf(words, context.io)
    return withServer(context, ['classify'], async ({ client }) => {
      const { fallback, ...document } = await client.classify({ model, input, top_k: top })
      if (fallback) context.say(`fell back: ${fallback}`)
      for (const at of document.truncated)
        context.say(`text ${at + 1} is longer than the model reads and was cut`)
      if (json) {
        context.json(document)
        return 0
      }
      context.say(`${document.model} on ${document.device} (${document.engine})`)
      const rows = document.results.flatMap(({ index, labels }) =>
        labels.map(({ label, score }, rank) => [rank === 0 ? `${index + 1}.` : '', label, score.toFixed(3)]),
      )
      context.print(table(rows))
      return 0
    })
  },
})
