import type { SearchResult } from '../client/documents.ts'
import { type CommandContext, defineCommand } from '../command.ts'
import { withServer } from '../connect.ts'
import { flag, integer, jsonOption, someWords, text } from '../options.ts'
import { printable } from '../print/style.ts'
import { readyProject } from '../ready-project.ts'

/** Lines of a hit's text that are shown. */
const SHOWN_LINES = 6

export const search = defineCommand({
  name: 'search',
  summary: 'find code and documents of a project by meaning and by words',
  args: [{ name: 'query', help: 'what to look for; words need no quotes', required: true, variadic: true }],
  options: {
    project: text('<name>', 'the project; without it the one that holds the current folder'),
    limit: integer('<n>', 'results at most', { min: 1, max: 100, initial: 10 }),
    explain: flag('say why each result came: the score of each arm'),
    json: jsonOption,
  },
  examples: [
    { line: 'tandem search cancel a running request', does: 'the ten best places in this project' },
    { line: 'tandem search "parseConfig" --limit 3 --explain', does: 'three results, and why they came' },
    { line: 'tandem search retry policy --json | jq -r ".results[].path"', does: 'only the paths' },
  ],
  run: (context, words, { project, limit, explain, json }) => {
    const query = someWords(words, 'query')
    return withServer(context, ['embed'], async (connection) => {
      const chosen = await readyProject(context, connection, project)
      const answer = await connection.client.search({ query, project: chosen.name, limit, explain })
      if (json) context.json(answer)
      else if (answer.results.length === 0) context.say(`nothing in ${chosen.name} fits "${query}"`)
      else for (const [i, result] of answer.results.entries()) printResult(context, result, i + 1)
      return 0
    })
  },
})

function printResult({ print, style }: CommandContext, result: SearchResult, rank: number): void {
  const place = `${printable(result.path)}:${result.startLine}-${result.endLine}`
  const symbol = result.symbol ? ` ${printable(result.symbol)}` : ''
  print(`${rank}. ${style.cyan(place)}${style.bold(symbol)} ${style.dim(result.score.toFixed(3))}\n`)
  if (result.arms) print(`   ${style.dim(armsText(result.arms))}\n`)
  const lines = result.text.split('\n')
  for (const line of lines.slice(0, SHOWN_LINES))
    print(`   ${printable(line).slice(0, 160)}`.trimEnd().concat('\n'))
  if (lines.length > SHOWN_LINES) print(`   ${style.dim(`... ${lines.length - SHOWN_LINES} more lines`)}\n`)
  print('\n')
}

function armsText(arms: NonNullable<SearchResult['arms']>): string {
  const scores = [
    ['vector', arms.vector],
    ['lexical', arms.lexical],
    ['trigram', arms.trigram],
    ...arms.adjustments.map(({ name, value }) => [name, value]),
  ]
  return scores
    .map(([name, value]) => `${name} ${typeof value === 'number' ? value.toFixed(3) : '-'}`)
    .join(', ')
}
