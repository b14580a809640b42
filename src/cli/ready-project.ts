import type { ProjectDocument } from './client/documents.ts'
import type { CommandContext } from './command.ts'
import type { Connection } from './connect.ts'
import { followProject, ProgressLine } from './progress.ts'
import { chooseProject } from './project-choice.ts'

/**
 * The project that a question is about, fit to be searched: a server that lives only for this command first brings
 * it up to date; a running one keeps it so, and what is missing there is said.
 */
export async function readyProject(
  context: CommandContext,
  { client, running }: Connection,
  name: string | undefined,
): Promise<ProjectDocument> {
  const project = await chooseProject(client, context.io.cwd, name)
  if (!running) {
    await client.addProject(project.path, project.name)
    return followProject(client, project.name, new ProgressLine(context.io.stderr), context.signal)
  }
  if (project.state === 'indexing')
    context.say(`${project.name} is still being indexed: files may be missing`)
  if (project.state === 'failed')
    context.say(`indexing ${project.name} failed: ${project.error ?? 'no reason was given'}`)
  if (project.state === 'missing') context.say(`the folder ${project.path} is gone; this is what it held`)
  return project
}
