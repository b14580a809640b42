import type { Citation } from '../client/documents.ts'
import { type CommandContext, defineCommand } from '../command.ts'
import { withServer } from '../connect.ts'
import { jsonOption, someWords, text } from '../options.ts'
import { plannedModel } from '../planned-model.ts'
import { printable } from '../print/style.ts'
import { readyProject } from '../ready-project.ts'

export const ask = defineCommand({
  name: 'ask',
  summary: 'answer a question about a project, with citations',
  description:
    'The answer is written as it comes; then the passages that it rests on follow as `[1] path:line`. The chat model that ships with Tandem is small and only answers from passages; set models.chat for a real assistant.',
  args: [{ name: 'question', help: 'the question; words need no quotes', required: true, variadic: true }],
  options: {
    project: text('<name>', 'the project; without it the one that holds the current folder'),
    model: text('<id>', 'the chat model; without it the one of the plan'),
    json: jsonOption,
  },
  examples: [
    {
      line: 'tandem ask where is the request queue bounded',
      does: 'an answer about the project of this folder',
    },
    { line: 'tandem ask "who calls takeBatch?" --project tandem', does: 'about a named project' },
    { line: 'tandem ask "how are errors mapped?" --json', does: 'answer and citations as JSON' },
  ],
  run: (context, words, { project, model, json }) => {
    const question = someWords(words, 'question')
    return withServer(context, ['chat', 'embed'], async (connection) => {
      const { client } = connection
      const { name } = await readyProject(context, connection, project)
      const chatModel = model ?? (await plannedModel(client, 'chat'))
      let answer = ''
      let citations: readonly Citation[] = []
      for await (const chunk of client.ask({ model: chatModel, project: name, question })) {
        const piece = chunk.choices[0]?.delta?.content ?? ''
        answer += piece
        citations = chunk.tandem?.citations ?? citations
        if (!json) context.print(printable(piece))
      }
      if (json) context.json({ answer, citations, project: name, model: chatModel })
      else printCitations(context, answer, citations)
      return 0
    })
  },
})

/** Every passage that stood before the model, under its number; those that the answer does not name are told apart. */
function printCitations(
  { print, style }: CommandContext,
  answer: string,
  citations: readonly Citation[],
): void {
  print(answer.endsWith('\n') ? '' : '\n')
  if (citations.length > 0) print('\n')
  citations.forEach(({ path, startLine }, i) => {
    const line = `[${i + 1}] ${printable(path)}:${startLine}`
    print(`${answer.includes(`[${i + 1}]`) ? style.cyan(line) : style.dim(`${line} (read, not cited)`)}\n`)
  })
}
