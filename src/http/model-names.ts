/** Which model, and which project, a client means by the name it sends. */

import { nearestNames } from '../config/index.ts'
import { TandemError, type Task } from '../domain/index.ts'
import type { HttpDeps, ModelEntry } from './deps.ts'
import { refuse } from './validate.ts'

export interface NamedModel {
  readonly model: ModelEntry
  /** Of `MODEL@PROJECT`. */
  readonly project?: string
}

/** @throws TandemError MODEL_NOT_FOUND with the nearest names */
export function findModel(models: readonly ModelEntry[], name: string): NamedModel {
  const exact = models.find(({ id }) => id === name)
  if (exact) return { model: exact }
  const at = name.lastIndexOf('@')
  const id = at > 0 ? name.slice(0, at) : name
  const project = at > 0 ? name.slice(at + 1) : ''
  const model = project === '' ? undefined : models.find((entry) => entry.id === id)
  if (model) return { model, project }
  const nearest = nearestNames(
    id,
    models.map((entry) => entry.id),
  ).join(', ')
  throw new TandemError('MODEL_NOT_FOUND', { model: name.slice(0, 200), nearest }, { param: 'model' })
}

/**
 * @throws TandemError MODEL_NOT_FOUND, INVALID_REQUEST when the model does not do the task
 */
export function findModelFor(models: readonly ModelEntry[], name: string, task: Task): NamedModel {
  const found = findModel(models, name)
  if (found.model.tasks.includes(task)) return found
  const able = models.filter(({ tasks }) => tasks.includes(task)).map(({ id }) => id)
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
  deps: Pick<HttpDeps, 'models' | 'plan'>,
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
  const { model, project } = findModelFor(models, name, task)
  if (project !== undefined) refuse('model', 'a project is searched for chats only (/v1/chat/completions)')
  return model
}
