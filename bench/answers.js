#!/usr/bin/env node
// Questions about Tandem's own tree whose answer stands in a known file: what is retrieved, and what the chat model cites.
import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { indexProject } from './lib/indexed.js'
import { report } from './lib/report.js'
import { call, startServer } from './lib/server.js'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const questions = JSON.parse(readFileSync(new URL('data/answers.json', import.meta.url), 'utf8'))

const server = await startServer()
try {
  await indexProject(server.url, root, 'own')
  const counts = { first: 0, given: 0, cited: 0 }
  for (const { question, path } of questions) {
    const answer = await call(`${server.url}/v1/chat/completions`, {
      model: 'tandem-tiny-chat@own',
      messages: [{ role: 'user', content: question }],
    })
    const text = answer.choices[0].message.content
    const right = answer.tandem.citations.map((citation) => citation.path.startsWith(path))
    const cited = right.some((isRight, at) => isRight && text.includes(`[${at + 1}]`))
    counts.first += Number(right[0] ?? false)
    counts.given += Number(right.includes(true))
    counts.cited += Number(cited)
    if (!cited) console.log(`${right.indexOf(true) + 1 || '-'}  ${question}  ${text.split('\n')[0]}`)
  }
  report('answers', [
    { what: 'questions', value: questions.length, unit: '' },
    { what: 'the right file is the first passage', value: counts.first, unit: '' },
    { what: 'the right file is among the passages', value: counts.given, unit: '' },
    { what: 'the answer cites the right file', value: counts.cited, unit: '' },
  ])
} finally {
  await server.stop()
}
