/** What this engine's tests share. */
import { join } from 'node:path'
import { openVinoLibrary } from '../../../test/support/openvino.ts'
import { PACKAGE_ROOT } from '../../config/index.ts'
import type { Model } from '../../domain/index.ts'
import { loadCatalogue } from '../../models/index.ts'
import type { LoadedEncoder, LoadSpec } from '../contract.ts'
import { engine } from './child.ts'

const catalogue = await loadCatalogue([join(PACKAGE_ROOT, 'models')])
export const model = catalogue.find('tandem-embed-small')
export const never = new AbortController().signal

const tiny = await loadCatalogue([join(PACKAGE_ROOT, 'test', 'data', 'models')])
export const tinyClassifier = tiny.find('tiny-classifier')

/** A spec of the shipped embedding model, or of another one for the first task that it has. */
export function specOf(device: string, settings: LoadSpec['settings'] = {}, of: Model = model): LoadSpec {
  const [task] = of.tasks
  return { model: of, task: task!, device, threads: 1, settings: { library: openVinoLibrary, ...settings } }
}

export async function loadEncoder(spec: LoadSpec): Promise<LoadedEncoder> {
  const loaded = await engine.load(spec)
  if (loaded.kind !== 'encoder') throw new Error('not an encoder')
  return loaded
}
