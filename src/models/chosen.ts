import type { Config } from '../config/index.ts'
import { CHAT_USES, type ChatUse, type Model, TASKS, type Task } from '../domain/index.ts'
import type { Catalogue } from './catalogue.ts'
import { namedModel } from './named-model.ts'

/** A model that shall serve a task. */
export interface ChosenModel {
  readonly task: Task
  readonly model: Model
  /** Chat models: what for. */
  readonly use?: ChatUse
}

/**
 * The configured model of each task, else the first of the catalogue that does it: the shipped one, where one ships.
 * @param warn what a person should know of a folder without a manifest
 * @throws TandemError MODEL_NOT_FOUND, MODEL_UNSERVABLE, CONFIG_INVALID
 */
export async function chooseModels(
  catalogue: Catalogue,
  { models, chat }: Pick<Config, 'models' | 'chat'>,
  warn: (message: string) => void,
): Promise<ChosenModel[]> {
  const named = (task: Task, name: string) => namedModel(catalogue, task, name, chat.contextTokens, warn)
  const chosen: ChosenModel[] = []
  for (const task of TASKS) {
    const name = models[task]
    const model =
      name === undefined
        ? catalogue.list().find((each) => each.tasks.includes(task) && !each.files.remote)
        : await named(task, name)
    if (model) chosen.push({ task, model })
  }
  for (const use of CHAT_USES) {
    const name = use === 'chat' ? undefined : models[use]
    if (name === undefined) continue
    const model = await named('chat', name)
    const isKnown = chosen.some((each) => each.task === 'chat' && each.model.id === model.id)
    if (!isKnown) chosen.push({ task: 'chat', model, use })
  }
  return chosen
}
