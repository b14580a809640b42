import type { Dirent } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { nearestNames } from '../config/index.ts'
import { type Model, TandemError } from '../domain/index.ts'
import { fingerprintOf } from './fingerprint.ts'
import { MANIFEST_FILE, type Manifest, parseManifest } from './manifest.ts'

/** Folders that `tandem pull` is still filling or about to remove. */
export const UNFINISHED = /\.(partial|old)$/

/** The models that can be named, in the order of their folders. */
export interface Catalogue {
  get(id: string): Model | undefined
  /** @throws TandemError MODEL_NOT_FOUND with the nearest names */
  find(id: string): Model
  list(): readonly Model[]
}

/**
 * Reads every `*\/tandem.model.json` below each folder; files are not opened, see `verifyModel`.
 * @param folders the package's `models/` first
 * @throws TandemError CONFIG_INVALID for a missing folder, a bad manifest, or an id that is given twice
 */
export async function loadCatalogue(folders: readonly string[]): Promise<Catalogue> {
  const models = new Map<string, Model>()
  for (const root of new Set(folders.map((folder) => resolve(folder)))) {
    for (const folder of await subfolders(root)) {
      const file = join(folder, MANIFEST_FILE)
      const json = await readIfPresent(file)
      if (json === undefined) continue
      const model = toModel(parseManifest(json, file), folder)
      const other = models.get(model.id)
      if (other) {
        const what = `id: "${model.id}" is already the id of ${join(other.folder, MANIFEST_FILE)}; allowed: an id of its own`
        throw new TandemError('CONFIG_INVALID', { where: file, what })
      }
      models.set(model.id, model)
    }
  }
  return catalogueOf(models)
}

function catalogueOf(models: ReadonlyMap<string, Model>): Catalogue {
  const list = [...models.values()]
  return {
    get: (id) => models.get(id),
    find: (id) => {
      const model = models.get(id)
      if (model) return model
      const nearest = nearestNames(id, [...models.keys()]).join(', ')
      throw new TandemError('MODEL_NOT_FOUND', { model: id, ...(nearest ? { nearest } : {}) })
    },
    list: () => list,
  }
}

/** A catalogue and further models, whose ids are free in it. */
export function withModels(catalogue: Catalogue, models: readonly Model[]): Catalogue {
  return catalogueOf(new Map([...catalogue.list(), ...models].map((model) => [model.id, model])))
}

function toModel(manifest: Manifest, folder: string): Model {
  return { ...manifest, folder, fingerprint: fingerprintOf(manifest) }
}

async function subfolders(root: string): Promise<string[]> {
  let entries: Dirent[]
  try {
    entries = await readdir(root, { withFileTypes: true })
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    const what = `cannot read this folder of models (config models.folders): ${why}`
    throw new TandemError('CONFIG_INVALID', { where: root, what }, { cause: error })
  }
  return entries
    .filter((entry) => (entry.isDirectory() || entry.isSymbolicLink()) && !UNFINISHED.test(entry.name))
    .map((entry) => join(root, entry.name))
    .sort()
}

async function readIfPresent(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    const why = error instanceof Error ? error.message : String(error)
    throw new TandemError('CONFIG_INVALID', { where: file, what: why }, { cause: error })
  }
}
