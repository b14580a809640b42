import type { Config } from '../../config/index.ts'
import { type Model, TASKS } from '../../domain/index.ts'
import { type Catalogue, loadCatalogue, modelFolders, namedModel, verifyModel } from '../../models/index.ts'
import { describeFailure } from '../failure.ts'
import { type Check, failed, ok, warn } from './check.ts'

/**
 * Every model's files are there, each with the size and hash of its manifest.
 * @param served names of models that adopted servers have
 */
export async function checkModels(config: Config, home: string, served: readonly string[]): Promise<Check[]> {
  try {
    const catalogue = await loadCatalogue(modelFolders(home, config.models.folders))
    if (catalogue.list().length === 0)
      return [
        failed(
          'models',
          'models',
          'none',
          'get the models that ship: `git checkout models`, or install again',
        ),
      ]
    return [
      ...(await Promise.all(catalogue.list().map(checkModel))),
      ...(await checkNamed(config, catalogue, served)),
    ]
  } catch (thrown) {
    return [
      failed('models', 'models', describeFailure(thrown).message, 'correct the manifest, or models.folders'),
    ]
  }
}

/** The models that the configuration names are there. */
async function checkNamed(config: Config, catalogue: Catalogue, served: readonly string[]): Promise<Check[]> {
  const checks: Check[] = []
  for (const task of TASKS) {
    const named = config.models[task]
    if (named === undefined || served.includes(named)) continue
    try {
      const advice = 'docs/models.md says what each layout must hold'
      await namedModel(catalogue, task, named, undefined, (message) =>
        checks.push(warn(`models.${task}`, `models.${task}`, message, advice)),
      )
    } catch (thrown) {
      checks.push(
        failed(`models.${task}`, `models.${task}`, describeFailure(thrown).message, 'correct tandem.yaml'),
      )
    }
  }
  return checks
}

async function checkModel(model: Model): Promise<Check> {
  const [id, title] = [`model:${model.id}`, `model ${model.id}`]
  try {
    await verifyModel(model)
  } catch (thrown) {
    return failed(id, title, describeFailure(thrown).message, `fetch the model again into ${model.folder}`)
  }
  const files = new Set(Object.values(model.files).flatMap((list) => list.map(({ path }) => path)))
  return ok(id, title, `${files.size} files as the manifest has them (${model.tasks.join(', ')})`)
}
