import { expect, test } from 'vitest'
import { renderSystemMessage } from './system-message.ts'

const passage = (path: string, startLine: number, endLine: number, text: string, language = 'x') => ({
  path,
  startLine,
  endLine,
  text,
  language,
  score: 1,
})

test('the message is the one that the shipped chat model was trained on, to the letter', () => {
  const message = renderSystemMessage('tandem', [
    passage('src/serving/queue.ts', 10, 12, 'function take() {\n  return 1\n}'),
    passage('docs/setup.md', 3, 5, 'Run:\n```sh\nnpm ci'),
  ])
  expect(
    message,
  ).toBe(`You answer questions about the project tandem from the passages below. Cite the passages that you use as [1], [2]. If they do not answer the question, say so.

[1] src/serving/queue.ts:10-12
\`\`\`ts
function take() {
  return 1
}
\`\`\`

[2] docs/setup.md:3-5
\`\`\`\`md
Run:
\`\`\`sh
npm ci
\`\`\`\``)
})

test('without passages there is no message', () => {
  expect(renderSystemMessage('tandem', [])).toBe('')
})

test.each([
  ['src/a.mts', 'typescript', 'ts'],
  ['lib/a.mjs', 'javascript', 'js'],
  ['a/b.PY', 'python', 'py'],
  ['Makefile', 'make', 'make'],
  ['.gitignore', 'text', 'text'],
  ['dir.d/Dockerfile', 'dockerfile', 'dockerfile'],
])('%s is fenced as %s', (path, language, tag) => {
  expect(renderSystemMessage('p', [passage(path, 1, 1, 'x', language)])).toContain(
    `\n\`\`\`${tag}\nx\n\`\`\``,
  )
})

test('a text with four backticks gets five, so that it stays inside its fence', () => {
  expect(renderSystemMessage('p', [passage('a.md', 1, 1, '````')])).toContain('\n`````md\n````\n`````')
})
