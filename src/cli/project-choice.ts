import { realpathSync } from 'node:fs'
import { isAbsolute, relative, resolve, sep } from 'node:path'
import { nearestNames } from '../config/index.ts'
import type { TandemClient } from './client/client.ts'
import type { ProjectDocument } from './client/documents.ts'
import { CommandError } from './failure.ts'

/** Whether `path` is the folder or lies in it; both absolute. */
function holds(folder: string, path: string): boolean {
  const steps = relative(folder, path)
  return steps === '' || (steps !== '..' && !steps.startsWith(`..${sep}`) && !isAbsolute(steps))
}

/** Without links; as it is where it does not exist. */
export function real(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return resolve(path) // a project whose folder is gone
  }
}

/** The deepest project that holds the path. */
function projectHolding(projects: readonly ProjectDocument[], path: string): ProjectDocument | undefined {
  const target = real(path)
  return projects
    .filter((project) => holds(real(project.path), target))
    .sort((a, b) => b.path.length - a.path.length)[0]
}

/**
 * The project that a command is about: the one named, else the one that holds the current folder.
 * @throws CommandError that says what to do when there is none
 */
export async function chooseProject(
  client: TandemClient,
  cwd: string,
  name: string | undefined,
): Promise<ProjectDocument> {
  const { projects } = await client.status()
  const names = projects.map((project) => project.name)
  if (name !== undefined) {
    const named = projects.find((project) => project.name === name)
    if (named) return named
    const [nearest] = nearestNames(name, names)
    const meant = nearest ? `; did you mean ${nearest}?` : ''
    throw new CommandError(`there is no project "${name}"${meant}`, indexHint(names))
  }
  const holding = projectHolding(projects, cwd)
  if (holding) return holding
  throw new CommandError(`no project holds ${cwd}`, indexHint(names))
}

function indexHint(names: readonly string[]): string {
  const known = names.length > 0 ? `, or name one with --project: ${names.join(', ')}` : ''
  return `index this folder with \`tandem index\`${known}`
}
