/** The text that stands before a chat; the shipped chat model is trained on this form to the letter. */
import type { Passage } from '../contract.ts'

/** Endings that name the same language as a more usual one. */
const TAG_OF_ENDING: Readonly<Record<string, string>> = {
  mts: 'ts',
  cts: 'ts',
  mjs: 'js',
  cjs: 'js',
  markdown: 'md',
}

/** @returns '' when there are no passages */
export function renderSystemMessage(project: string, passages: readonly Passage[]): string {
  if (passages.length === 0) return ''
  const head =
    `You answer questions about the project ${project} from the passages below. ` +
    'Cite the passages that you use as [1], [2]. If they do not answer the question, say so.'
  return [head, ...passages.map((passage, at) => renderPassage(passage, at + 1))].join('\n\n')
}

/** @param number counted from 1 */
export function renderPassage(passage: Passage, number: number): string {
  const fence = fenceFor(passage.text)
  const place = `[${number}] ${passage.path}:${passage.startLine}-${passage.endLine}`
  return `${place}\n${fence}${languageTag(passage)}\n${passage.text}\n${fence}`
}

/** Three backticks, or one more than the longest run of three or more in the text. */
function fenceFor(text: string): string {
  const longest = (text.match(/`{3,}/g) ?? []).reduce((most, run) => Math.max(most, run.length), 2)
  return '`'.repeat(longest + 1)
}

/** The file's ending, as the model saw it (`ts`, `md`); the language where a file has none. */
function languageTag({ path, language }: Passage): string {
  const ending = /[^/]\.([A-Za-z0-9]{1,10})$/.exec(path)?.[1]?.toLowerCase()
  return ending === undefined ? language : (TAG_OF_ENDING[ending] ?? ending)
}
