import { readFile } from 'node:fs/promises'
import { badFile, type EncoderOutput } from '../encoder/index.ts'
import type { Compilation, Target } from './compile.ts'
import { Core } from './native/core.ts'
import { NativeError, shortMessage, toTandemError, unsupportedOperator } from './native/errors.ts'
import type { OpenVino } from './native/library.ts'
import type { SourceModel } from './native/model.ts'
import { openDynamic } from './open-dynamic.ts'
import { openStatic } from './open-static.ts'
import { encoderPorts } from './ports.ts'
import { checkPresence } from './presence.ts'
import { placeProperties } from './properties.ts'
import type { OpenVinoSession } from './session.ts'
import type { Settings } from './settings.ts'

export interface SessionSpec {
  readonly library: OpenVino
  readonly settings: Settings
  readonly modelId: string
  /** The xml of an IR, or an ONNX file. */
  readonly file: string
  /** The output to read; a model with another name for it has it first. */
  readonly output: EncoderOutput
  readonly device: string
  readonly threads: number
  readonly maxTokens: number
  /** Lengths to compile; absent: dynamic shapes. */
  readonly buckets: readonly number[] | undefined
}

/** Reads a model and makes it ready on a device. @throws TandemError */
export async function openSession(spec: SessionSpec): Promise<OpenVinoSession> {
  const { library, settings, device, buckets } = spec
  const doing = { device, model: spec.modelId }
  const quantized = await isQuantized(spec.file)
  const core = new Core(library)
  let model: SourceModel | undefined
  try {
    checkPresence(core, device)
    const properties = placeProperties(core, { ...spec, quantized })
    const target: Target = { library, core, device, properties, requests: settings.requests }
    model = readModel(core, spec.file)
    const ports = encoderPorts(model, spec.output)
    const source = model
    const owned = {
      model: source,
      free: () => {
        source.free()
        core.free()
      },
      explain: (error: unknown) => toTandemError(error, doing),
    }
    const report = (compilation: Compilation) => tell(spec, compilation)
    return buckets
      ? await openStatic(target, owned, ports, buckets, settings.batch ?? 1, report)
      : await openDynamic(target, owned, ports, spec.maxTokens, report)
  } catch (error) {
    model?.free()
    core.free()
    throw toTandemError(error, doing)
  }
}

/** Whether activations are int8, as NNCF leaves them; of an ONNX file it is not known. A missing file is told when it is read. */
async function isQuantized(file: string): Promise<boolean> {
  if (!file.endsWith('.xml')) return false
  return (await readFile(file, 'utf8').catch(() => '')).includes('type="FakeQuantize"')
}

function readModel(core: Core, file: string): SourceModel {
  try {
    return core.readModel(file)
  } catch (error) {
    if (!(error instanceof NativeError) || unsupportedOperator(error.message)) throw error
    throw badFile(file, shortMessage(error.message))
  }
}

/** The supervisor keeps the last lines that a worker prints. */
function tell({ modelId, device }: SessionSpec, { shape, ms, fromCache, requests }: Compilation): void {
  const what = shape ? `[${shape.join(', ')}]` : 'every length'
  const how = fromCache ? 'taken from the cache' : 'compiled'
  process.stderr.write(
    `${modelId} on ${device}: ${what} ${how} in ${Math.round(ms)} ms, ${requests} in flight\n`,
  )
}
