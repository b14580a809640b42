import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Config, PACKAGE_ROOT } from '../../config/index.ts'
import type { Model } from '../../domain/index.ts'
import { loadCatalogue } from '../../models/index.ts'
import { describeFailure } from '../failure.ts'
import { type Check, failed, ok } from './check.ts'

/** Every model's files are there, each with the size of its manifest; gigabytes are not hashed. */
export async function checkModels(config: Config): Promise<Check[]> {
  try {
    const catalogue = await loadCatalogue([join(PACKAGE_ROOT, 'models'), ...config.models.folders])
    if (catalogue.list().length === 0)
      return [
        failed(
          'models',
          'models',
          'none',
          'get the models that ship: `git checkout models`, or install again',
        ),
      ]
    return Promise.all(catalogue.list().map(checkModel))
  } catch (thrown) {
    return [
      failed('models', 'models', describeFailure(thrown).message, 'correct the manifest, or models.folders'),
    ]
  }
}

async function checkModel(model: Model): Promise<Check> {
  const files = Object.values(model.files).flat()
  const wrong: string[] = []
  for (const { path, sizeBytes } of files) {
    const size = await stat(join(model.folder, path)).then(
      (found) => found.size,
      () => undefined,
    )
    if (size === undefined) wrong.push(`${path} is missing`)
    else if (size !== sizeBytes) wrong.push(`${path} has ${size} bytes instead of ${sizeBytes}`)
  }
  const title = `model ${model.id}`
  if (wrong.length === 0)
    return ok(
      `model:${model.id}`,
      title,
      `${new Set(files.map(({ path }) => path)).size} files (${model.tasks.join(', ')})`,
    )
  return failed(`model:${model.id}`, title, wrong.join('; '), `fetch the model again into ${model.folder}`)
}
