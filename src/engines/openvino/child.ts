import { TandemError } from '../../domain/index.ts'
import type { Engine, LoadedEncoder, LoadSpec } from '../contract.ts'
import { Embedder, modelFiles } from '../encoder/index.ts'
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

async function load({ model, device, threads, task, settings: given }: LoadSpec): Promise<LoadedEncoder> {
  const { embedding } = model
  if (task !== 'embed' || !embedding) throw failed(`${model.id} cannot serve ${task} with it`)
  const settings = checked(given)
  const library = openLibrary(settings.library)
  version = library.version
  const dynamic = settings.shapes === 'dynamic' || (settings.shapes === 'auto' && isCpuOnly(device))
  const buckets = dynamic ? undefined : chooseBuckets(settings.buckets, model.contextTokens)
  const maxTokens = buckets?.at(-1) ?? model.contextTokens
  const format = openvino.formats.find((known) => model.files[known])
  if (!format) throw failed(`${model.id} has no files of the formats ${openvino.formats.join(', ')}`)
  const files = modelFiles(openvino, { ...model, contextTokens: maxTokens }, format)
  const tokenizer = await files.tokenizer()
  if (format === 'openvino-ir') await files.find('.bin file', (name) => name.endsWith('.bin'))
  const weights = await files.find('model file', (name) => /\.(xml|onnx)$/.test(name))
  const session = await openSession({
    library,
    settings,
    modelId: model.id,
    file: weights,
    device,
    threads,
    maxTokens,
    buckets,
  })
  return Object.assign(new Embedder(openvino, session, tokenizer, embedding, maxTokens), {
    profile: (text: string) => session.profile(tokenizer.encode(text, 'passage')),
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
