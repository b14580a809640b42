import { nearestNames } from '../config/index.ts'
import {
  type Model,
  type Plan,
  type PlannedPlacement,
  placementId,
  TASKS,
  TandemError,
  type Task,
} from '../domain/index.ts'
import type { Worker } from '../workers/index.ts'

/** One task and model, and the workers that serve it in plan order. */
export interface Route {
  readonly id: string
  readonly task: Task
  readonly model: string
  readonly workers: readonly { readonly worker: Worker; readonly placement: PlannedPlacement }[]
}

/** The plan's placements that have a worker, by task and model. */
export class Routes {
  readonly all: readonly Route[]
  readonly #models: readonly Model[]

  constructor(plan: Plan, workers: readonly Worker[], models: readonly Model[]) {
    const byId = new Map(workers.map((worker) => [worker.id, worker]))
    const routes = new Map<string, Route>()
    for (const task of TASKS)
      for (const placement of plan.tasks[task] ?? []) {
        const worker = byId.get(placementId(placement))
        if (!worker) continue
        const id = `${task}:${placement.model}`
        const route = routes.get(id) ?? { id, task, model: placement.model, workers: [] }
        routes.set(id, { ...route, workers: [...route.workers, { worker, placement }] })
      }
    this.all = [...routes.values()]
    this.#models = models
  }

  /** @throws TandemError MODEL_NOT_FOUND, TASK_UNSERVED, INVALID_REQUEST (the model does something else) */
  find(task: Task, model: string): Route {
    const route = this.all.find((each) => each.task === task && each.model === model)
    if (route) return route
    const serving = this.all.filter((each) => each.task === task).map((each) => each.model)
    if (serving.length === 0) throw new TandemError('TASK_UNSERVED', { task })
    const other = this.all.find((each) => each.model === model)
    const nearest = nearestNames(model, serving).join(' or ')
    if (!other) throw new TandemError('MODEL_NOT_FOUND', { model, nearest }, { param: 'model' })
    const what = `the model "${model}" serves ${other.task}, not ${task}; use ${serving.slice(0, 3).join(' or ')}`
    throw new TandemError('INVALID_REQUEST', { what }, { param: 'model' })
  }

  byId(id: string): Route | undefined {
    return this.all.find((route) => route.id === id)
  }

  model(id: string): Model | undefined {
    return this.#models.find((model) => model.id === id)
  }
}
