import type { ModelsDocument, PlanDocument, ProjectDocument } from './client/documents.ts'
import { printable, type Style } from './print/style.ts'
import { table } from './print/table.ts'

interface BannerFacts {
  readonly url: string
  readonly alsoAt: readonly string[]
  readonly plan: PlanDocument
  readonly models: ModelsDocument
  readonly projects: readonly ProjectDocument[]
  /** Whether the chat model is the one that ships, because no other is configured. */
  readonly shippedChat: boolean
  readonly needsKey: boolean
  readonly windows: boolean
}

/** What a person sees when the server is ready: where it is, what runs where, what to try. */
export function bannerText(facts: BannerFacts, style: Style): string {
  const { url, alsoAt, plan, projects } = facts
  const primaries = Object.entries(plan.tasks).flatMap(([task, [first]]) =>
    first ? [{ task, ...first }] : [],
  )
  const chat = primaries.find(({ task }) => task === 'chat')?.model
  const rows = primaries.map(({ task, model, engine, device }) => [task, model, `${engine} on ${device}`])
  return [
    `\n${style.bold(style.green('Tandem is ready'))} at ${style.bold(url)}\n`,
    alsoAt.length > 0 ? `and at ${alsoAt.join(', ')}\n` : '',
    plan.simulated
      ? `\n  ${style.bold('Simulated devices:')} they take the time that they would take; no answer comes from a model.\n`
      : '',
    rows.length > 0 ? `\n${table(rows, '  ')}` : '',
    projects.length > 0 ? `\n${table(projects.map(projectRow), '  ')}` : '',
    chat ? printable(chatNote(chat, facts)) : '',
    `\nTry:\n${thingsToTry(chat, facts)
      .map((line) => `  ${style.cyan(line)}\n`)
      .join('')}`,
    `\n${style.dim('Ctrl-C ends it.')}\n`,
  ].join('')
}

function projectRow({ name, path, state, files }: ProjectDocument): string[] {
  const where =
    state === 'indexing' ? 'still being indexed: answers may miss files' : `${files} files, ${state}`
  return ['project', name, path, `(${where})`]
}

function chatNote(chat: string, { models, shippedChat }: BannerFacts): string {
  const title = models.data.find((model) => model.id === chat)?.tandem?.title?.replace(/\.$/, '')
  if (!shippedChat) return title ? `\n  ${chat}: ${title}.\n` : ''
  const what = title ?? 'a small offline model that only answers from the passages it is given'
  return [
    `\n  ${chat} ships with Tandem: ${what}.\n`,
    '  For a real assistant set models.chat in tandem.yaml to the path of a GGUF file (`npx tandem config path` says where).\n',
  ].join('')
}

function thingsToTry(chat: string | undefined, { url, projects, needsKey, windows }: BannerFacts): string[] {
  const project = projects[0]?.name
  const model = project === undefined ? chat : `${chat}@${project}`
  const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'where are errors handled?' }] })
  const quoted = windows ? `"${body.replaceAll('"', '\\"')}"` : `'${body}'`
  const key = needsKey ? ' -H "authorization: Bearer YOUR_KEY"' : ''
  return [
    ...(chat
      ? [`curl ${url}/v1/chat/completions -H "content-type: application/json"${key} -d ${quoted}`]
      : []),
    ...(project === undefined ? ['npx tandem index PATH'] : ['npx tandem ask "where are errors handled?"']),
    `open ${url} in a browser`,
  ]
}
