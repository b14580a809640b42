/** What llama.cpp itself says of its memory: of a loaded model, or of one that it only plans. */
import {
  GgufInsights,
  type Llama,
  type LlamaContext,
  LlamaLogLevel,
  type LlamaModel,
  readGgufFileInfo,
} from 'node-llama-cpp'
import type { KvType } from '../../src/domain/index.ts'

/** Bytes by the memory that holds them. */
export interface Held {
  readonly device: number
  readonly host: number
}

interface Breakdown {
  getMemoryBreakdown(): { readonly cpuRam: number; readonly gpuVram: number }
}

/** Buffers that llama.cpp has allocated for a model and its context. */
export function allocated(model: LlamaModel, context: LlamaContext): { weights: Held; context: Held } {
  const inner = {
    model: model as unknown as { _model: Breakdown },
    context: context as unknown as { _ctx: Breakdown },
  }
  return { weights: held(inner.model._model), context: held(inner.context._ctx) }
}

function held(native: Breakdown): Held {
  const { cpuRam, gpuVram } = native.getMemoryBreakdown()
  return { device: gpuVram, host: cpuRam }
}

export interface Opening {
  readonly gpuLayers: number
  readonly contextTokens: number
  readonly slots: number
  readonly batchTokens: number
  readonly kvType: KvType
}

const GGML = { f16: 1, q8_0: 8, q4_0: 2 } as const

/**
 * Lets llama.cpp plan a file's buffers without reading its weights.
 * @throws Error when it cannot; it must never guess
 */
export async function planned(
  llama: Llama,
  path: string,
  opening: Opening,
): Promise<{ weights: Held; context: Held }> {
  const warnings: string[] = []
  const before = { logger: llama.logger, level: llama.logLevel }
  llama.logLevel = LlamaLogLevel.warn
  llama.logger = (_, message) => warnings.push(message.trim())
  try {
    const insights = await GgufInsights.from(await readGgufFileInfo(path), llama)
    const { gpuLayers } = opening
    const weights = await insights.estimateModelResourceRequirementsV2({ gpuLayers, useMmap: false })
    const context = await insights.estimateContextResourceRequirementsV2({
      modelGpuLayers: gpuLayers,
      useMmap: false,
      contextSize: opening.contextTokens,
      sequences: opening.slots,
      batchSize: opening.batchTokens,
      kvCacheKeyType: GGML[opening.kvType],
      kvCacheValueType: GGML[opening.kvType],
    })
    const guess = warnings.find((line) => /falling back/i.test(line))
    if (guess !== undefined) throw new Error(warnings.join('; '))
    return {
      weights: { device: weights.gpuVram, host: weights.cpuRam },
      context: { device: context.gpuVram, host: context.cpuRam },
    }
  } finally {
    llama.logger = before.logger
    llama.logLevel = before.level
  }
}
