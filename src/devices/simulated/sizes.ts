/** What of a model its speed depends on; from its shape, else from the sizes in its manifest. */
import type { Model, ModelFormat, ModelShape } from '../../domain/index.ts'

export interface DecoderSizes {
  readonly weightBytes: number
  /** Weights that one token reads. */
  readonly activeBytes: number
  /** Parameters that one token is multiplied with. */
  readonly activeParameters: number
}

export interface EncoderSizes {
  readonly weightBytes: number
  /** Parameters that one token is multiplied with: those of the layers. */
  readonly layerParameters: number
  /** Layers times width: what attention grows with; 0 where nobody knows. */
  readonly attentionWidth: number
}

export function fileBytes(model: Model, format: ModelFormat): number {
  return (model.files[format] ?? []).reduce((sum, file) => sum + file.sizeBytes, 0)
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0)

export function decoderSizes(model: Model, shape: ModelShape | undefined, format: ModelFormat): DecoderSizes {
  const bytes = fileBytes(model, format)
  if (shape?.kind !== 'decoder')
    return { weightBytes: bytes, activeBytes: bytes, activeParameters: model.parameters }
  const layers = sum(shape.layerBytes)
  const experts = sum(shape.expertBytes)
  const used = shape.experts ? shape.experts.used / shape.experts.count : 1
  const share = (layers + experts * used) / (layers + experts)
  return {
    weightBytes: layers + experts + shape.inputBytes + shape.outputBytes,
    activeBytes: layers + experts * used + shape.outputBytes,
    activeParameters: shape.parameters * share,
  }
}

export function encoderSizes(model: Model, shape: ModelShape | undefined, format: ModelFormat): EncoderSizes {
  if (shape?.kind !== 'encoder')
    return { weightBytes: fileBytes(model, format), layerParameters: model.parameters, attentionWidth: 0 }
  const { layers, hidden, feedForward, weightBytes } = shape
  return {
    weightBytes,
    layerParameters: layers * (4 * hidden * hidden + 2 * hidden * feedForward),
    attentionWidth: layers * hidden,
  }
}
