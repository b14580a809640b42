/** Which model, and which project, a client means by the name it sends. */

import { aliasOf, exactAlias, nearestNames, plainAliases } from '../config/index.ts'
import { TandemError, type Task } from '../domain/index.ts'
import type { HttpDeps, ModelEntry } from './deps.ts'
import { refuse } from './validate.ts'

export interface NamedModel {
  readonly model: ModelEntry
  /** Of `MODEL@PROJECT`. */
  readonly project?: string
}

/** Where names are looked up: what is here, and how the configuration renames it. */
export type KnownNames = Pick<HttpDeps, 'models' | 'config'>

/** @throws TandemError MODEL_NOT_FOUND with the nearest names */
export function findModel({ models, config }: KnownNames, name: string): NamedModel {
  const entries = models()
  const called = (id: string) => entries.find((entry) => entry.id === id)
  const { aliases } = config.models
  const whole = called(name) ?? called(exactAlias(aliases, name) ?? '')
  if (whole) return { model: whole }
  const at = name.lastIndexOf('@')
  const [id, project] = at > 0 ? [name.slice(0, at), name.slice(at + 1)] : [name, '']
  const inProject = project === '' ? undefined : (called(id) ?? called(aliasOf(aliases, id) ?? ''))
  if (inProject) return { model: inProject, project }
  const target = aliasOf(aliases, name)
  const byPattern = called(target ?? '')
  if (byPattern) return { model: byPattern }
  const leading = plainAliases(aliases).filter((alias) => called(aliases[alias] ?? ''))
  const nearest = nearestNames(id, [...entries.map((entry) => entry.id), ...leading]).join(', ')
  throw new TandemError(
    'MODEL_NOT_FOUND',
    {
      model: name.slice(0, 200),
      nearest,
      hint:
        target === undefined
          ? 'models.aliases in the configuration maps a name to a model that is here'
          : `models.aliases maps it to "${target}", which no one serves`,
    },
    { param: 'model' },
  )
}

/**
 * @throws TandemError MODEL_NOT_FOUND, INVALID_REQUEST when the model does not do the task
 */
export function findModelFor(names: KnownNames, name: string, task: Task): NamedModel {
  const found = findModel(names, name)
  if (found.model.tasks.includes(task)) return found
  const able = names
    .models()
    .filter(({ tasks }) => tasks.includes(task))
    .map(({ id }) => id)
  const others = able.length > 0 ? `; these do: ${able.join(', ')}` : ''
  throw new TandemError(
    'INVALID_REQUEST',
    { what: `the model "${found.model.id}" does not serve ${task}${others}` },
    { param: 'model' },
  )
}

/** Models that `tandem pull` knows, for tasks that no shipped model does. */
const PULLABLE: Readonly<Partial<Record<Task, string>>> = {
  rerank: 'bge-reranker-base',
  classify: 'language-detection',
}

/**
 * The model that a request wants for a task that is no chat; without a name the one that the plan serves first.
 * @throws TandemError MODEL_NOT_FOUND, INVALID_REQUEST, NO_MODEL_FOR_TASK, TASK_UNSERVED (chosen, but it runs nowhere)
 */
export function modelForTask(
  deps: KnownNames & Pick<HttpDeps, 'plan'>,
  task: Task,
  name?: string | null,
): ModelEntry {
  const models = deps.models()
  const placements = deps.plan().tasks[task]
  const first = models.find(({ id, tasks }) => tasks.includes(task) && (placements?.[0]?.model ?? id) === id)
  if (!first) {
    if (placements) throw new TandemError('TASK_UNSERVED', { task })
    const example = PULLABLE[task]
    throw new TandemError('NO_MODEL_FOR_TASK', { task, ...(example ? { example } : {}) })
  }
  if (name == null) return first
  const { model, project } = findModelFor(deps, name, task)
  if (project !== undefined) refuse('model', 'a project is searched for chats only (/v1/chat/completions)')
  return model
}
