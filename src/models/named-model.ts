import { type Model, TandemError, type Task } from '../domain/index.ts'
import type { Catalogue } from './catalogue.ts'
import { ggufFileModel, isGgufPath } from './gguf-file.ts'
import { folderModel, isFolderPath } from './layouts/folder-model.ts'

/**
 * The model that the setting `models.TASK` names: by its id or its folder, a chat model also by its GGUF file.
 * @param contextTokens window of a model that is a file alone
 * @param warn what a person should know of a folder without a manifest
 * @throws TandemError MODEL_NOT_FOUND, MODEL_UNSERVABLE, CONFIG_INVALID (no such file, or the model does something else)
 */
export async function namedModel(
  catalogue: Catalogue,
  task: Task,
  name: string,
  contextTokens?: number,
  warn?: (message: string) => void,
): Promise<Model> {
  if (task === 'chat' && isGgufPath(name)) return ggufFileModel(name, contextTokens)
  const model = isFolderPath(name) ? await folderModel(name, `models.${task}`, warn) : catalogue.find(name)
  if (model.tasks.includes(task)) return model
  const what = `the model "${name}" does ${model.tasks.join(', ')}, not ${task}`
  throw new TandemError('CONFIG_INVALID', { where: `models.${task}`, what })
}
