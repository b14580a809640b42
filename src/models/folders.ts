import { existsSync } from 'node:fs'
import { join, sep } from 'node:path'
import { PACKAGE_ROOT } from '../config/index.ts'
import type { Model } from '../domain/index.ts'

/** Where `tandem pull` keeps models; it need not exist. */
export function pulledFolder(home: string): string {
  return join(home, 'models')
}

/**
 * The folders that make up the catalogue, the models that ship first.
 * @param further the setting `models.folders`
 */
export function modelFolders(home: string, further: readonly string[]): string[] {
  const pulled = pulledFolder(home)
  return [join(PACKAGE_ROOT, 'models'), ...(existsSync(pulled) ? [pulled] : []), ...further]
}

/** Whether it came by `tandem pull` into this home. */
export function isPulled({ folder }: Pick<Model, 'folder'>, home: string): boolean {
  return folder.startsWith(pulledFolder(home) + sep)
}
