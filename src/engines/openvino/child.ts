import { TandemError } from '../../domain/index.ts'
import type { Engine, LoadedEncoder, LoadedScorer, LoadSpec } from '../contract.ts'
import { loadEncoder, modelFiles, openReopening } from '../encoder/index.ts'
import { chooseBuckets } from './buckets.ts'
import { openvino } from './descriptor.ts'
import { isCpuOnly } from './device-string.ts'
import { openLibrary } from './native/library.ts'
import { openSession } from './open-session.ts'
import { Settings } from './settings.ts'

let version: string | undefined

export const engine: Engine = {
  descriptor: openvino,
  /** Known once a model was loaded: only then is it clear which library is used. */
  version: () => version ?? 'not opened',
  load,
}

async function load(spec: LoadSpec): Promise<LoadedEncoder | LoadedScorer> {
  const { model, device, threads, task, settings: given } = spec
  const settings = checked(given)
  const library = openLibrary(settings.library)
  version = library.version
  const dynamic = settings.shapes === 'dynamic' || (settings.shapes === 'auto' && isCpuOnly(device))
  const buckets = dynamic ? undefined : chooseBuckets(settings.buckets, model.contextTokens)
  const maxTokens = buckets?.at(-1) ?? model.contextTokens
  const format = openvino.formats.find((known) => model.files[known])
  if (!format) throw failed(`${model.id} has no files of the formats ${openvino.formats.join(', ')}`)
  const cut = { ...model, contextTokens: maxTokens }
  const files = modelFiles(openvino, cut, format)
  return loadEncoder(openvino, { model: cut, task }, files, async (output) => {
    if (format === 'openvino-ir') await files.find('.bin file', (name) => name.endsWith('.bin'))
    const file = await files.find('model file', (name) => /\.(xml|onnx)$/.test(name))
    const { id: modelId } = model
    const open = (wanted: number) =>
      openSession({ library, settings, modelId, file, output, device, threads: wanted, maxTokens, buckets })
    // compiling for another device again takes too long for the sake of a CPU that helps it
    return isCpuOnly(device) ? openReopening(threads, open) : open(threads)
  })
}

function checked(given: LoadSpec['settings']): Settings {
  const parsed = Settings.safeParse(given ?? {})
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw failed(`its settings are wrong: ${issue?.path.join('.')}: ${issue?.message}`)
}

function failed(why: string): TandemError {
  return new TandemError('ENGINE_FAILED', { engine: openvino.title, why })
}
