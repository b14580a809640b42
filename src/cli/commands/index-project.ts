import { realpathSync, statSync } from 'node:fs'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { TandemError } from '../../domain/index.ts'
import { type CommandContext, defineCommand } from '../command.ts'
import { type Connection, withServer } from '../connect.ts'
import { flag, jsonOption, text } from '../options.ts'
import { printable } from '../print/style.ts'
import { counted, duration } from '../print/table.ts'
import { followProject, ProgressLine } from '../progress.ts'
import { chooseProject, real } from '../project-choice.ts'

export const index = defineCommand({
  name: 'index',
  summary: 'index a folder as a project, or bring it up to date',
  description:
    'Files that .gitignore or .tandemignore name, secrets, binaries and generated files are left out. What did not change is not embedded again. A running server keeps its projects up to date on its own.',
  args: [{ name: 'path', help: 'the folder; without it the current one' }],
  options: {
    name: text('<name>', "the project's name; without it the folder's"),
    remove: flag('forget the project of this path and its index; its files stay as they are'),
    explain: text('<path>', 'do not index: say why this file is or is not in the index'),
    json: jsonOption,
  },
  examples: [
    { line: 'tandem index', does: 'the current folder' },
    { line: 'tandem index ../other --name other', does: 'another folder, under a name of its own' },
    { line: 'tandem index ../other --remove', does: 'forget that project' },
    { line: 'tandem index --explain dist/app.js', does: 'why a file is left out' },
  ],
  run: async (context, [path = '.'], { name, remove, explain, json }) => {
    if (remove) return removeProject(context, resolve(context.io.cwd, path), name, json)
    if (explain !== undefined) return explainPath(context, resolve(context.io.cwd, explain), name, json)
    const folder = existingFolder(context.io.cwd, path)
    return withServer(context, ['embed'], (connection) =>
      indexFolder(context, connection, folder, name, json),
    )
  },
})

async function removeProject(
  context: CommandContext,
  path: string,
  name: string | undefined,
  json: boolean,
): Promise<number> {
  return withServer(context, [], async ({ client }) => {
    const project = await chooseProject(client, path, name)
    await client.removeProject(project.name)
    if (json) context.json({ name: project.name, path: project.path, removed: true })
    else context.print(`forgot ${printable(project.name)} (${printable(project.path)})\n`)
    return 0
  })
}

/** @throws TandemError PATH_NOT_FOUND */
export function existingFolder(cwd: string, path: string): string {
  const folder = resolve(cwd, path)
  let why = 'is a file, not a folder'
  try {
    if (statSync(folder).isDirectory()) return realpathSync(folder)
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException
    why = code === 'EACCES' ? 'may not be read by this user' : 'does not exist'
  }
  throw new TandemError('PATH_NOT_FOUND', { path: folder, why })
}

async function indexFolder(
  context: CommandContext,
  { client, running }: Connection,
  folder: string,
  name: string | undefined,
  json: boolean,
): Promise<number> {
  const startedMs = performance.now()
  const added = await client.addProject(folder, name)
  const line = new ProgressLine(context.io.stderr)
  const project = await followProject(client, added.project.name, line, context.signal)
  const seconds = Math.round((performance.now() - startedMs) / 100) / 10
  const skipped = project.progress?.filesSkipped ?? 0
  const { files, chunks, embedded, state } = project
  if (json) {
    context.json({ name: project.name, path: project.path, state, files, chunks, embedded, skipped, seconds })
    return 0
  }
  const took = seconds < 60 ? `${seconds} s` : duration(seconds)
  const count = `${counted(files, 'file')}, ${counted(chunks, 'chunk')}, ${counted(skipped, 'file')} left out`
  const where = printable(`${project.name} (${project.path})`)
  context.print(`${context.style.green('indexed')} ${where}: ${count}, ${took}\n`)
  if (running) context.say('the running server keeps it up to date')
  return 0
}

async function explainPath(
  context: CommandContext,
  path: string,
  name: string | undefined,
  json: boolean,
): Promise<number> {
  return withServer(context, [], async ({ client, running }) => {
    const project = await chooseProject(client, dirname(path), name)
    if (!running) await client.addProject(project.path, project.name) // opens it; nothing is embedded
    const unlinked = join(real(dirname(path)), basename(path)) // the project's folder is known without links
    const inside = relative(project.path, unlinked).split(sep).join('/')
    const explanation = await client.explain(project.name, inside)
    if (json) context.json(explanation)
    else {
      const verdict = explanation.indexed ? context.style.green('indexed') : context.style.yellow('left out')
      context.print(`${printable(explanation.path)}: ${verdict}: ${printable(explanation.reason)}\n`)
    }
    return 0
  })
}
