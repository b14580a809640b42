import { pathToFileURL } from 'node:url'
import { type EngineId, TandemError } from '../../domain/index.ts'
import type { Engine } from '../../engines/contract.ts'

/** Engines that run inside a worker process; each has `engines/ID/child.ts`. */
const FOLDERS: Readonly<Partial<Record<EngineId, string>>> = {
  onnxruntime: 'onnxruntime',
  openvino: 'openvino',
  'llama.cpp': 'llama.cpp',
  openai: 'openai',
}

/**
 * Imports the native part of an engine.
 * @param modulePath absolute path of another module that exports `engine`
 * @throws TandemError ENGINE_FAILED when there is none or it cannot be imported
 */
export async function importEngine(id: EngineId, modulePath?: string): Promise<Engine> {
  const folder = FOLDERS[id]
  if (!folder && !modulePath)
    throw new TandemError('ENGINE_FAILED', { engine: id, why: 'it does not run in a worker process' })
  const url = modulePath
    ? pathToFileURL(modulePath).href
    : new URL(`../../engines/${folder}/child.js`, import.meta.url).href
  const module = (await import(url)) as { engine?: Engine }
  if (!module.engine) throw new TandemError('ENGINE_FAILED', { engine: id, why: `${url} exports no engine` })
  return module.engine
}
