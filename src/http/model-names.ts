/** Which model, and which project, a client means by the name it sends. */

import { nearestNames } from '../config/index.ts'
import { TandemError, type Task } from '../domain/index.ts'
import type { ModelEntry } from './deps.ts'

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
