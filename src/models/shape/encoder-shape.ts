import { stat } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { z } from 'zod'
import type { EncoderShape, Model, ModelFormat } from '../../domain/index.ts'
import { readJson } from '../layouts/files.ts'
import { nearestBits } from './gguf-shape.ts'

const size = z.int().min(1).max(1_000_000)

/** The numbers of a `config.json`, under the names that its architectures use. */
const Config = z.looseObject({
  num_hidden_layers: size.optional(),
  n_layers: size.optional(),
  hidden_size: size.optional(),
  dim: size.optional(),
  n_embd: size.optional(),
  intermediate_size: size.optional(),
  hidden_dim: size.optional(),
  n_inner: size.nullish(),
  num_attention_heads: size.optional(),
  n_heads: size.optional(),
})

/** Files that hold weights; tokenizers lie beside them. */
const WEIGHTS: Readonly<Partial<Record<ModelFormat, RegExp>>> = {
  onnx: /\.onnx(_data(_\d+)?|\.data)?$/i,
  'openvino-ir': /\.bin$/i,
}

/**
 * The shape of an encoder from its files' sizes and the `config.json` in its folder, or beside its file.
 * @returns undefined when there is no weight file, or no `config.json` that says layers and width
 * @throws TandemError MODEL_UNSERVABLE for a `config.json` that cannot be read
 */
export async function readEncoderShape(model: Model, format: ModelFormat): Promise<EncoderShape | undefined> {
  const pattern = WEIGHTS[format]
  const files = (model.files[format] ?? []).filter((file) => pattern?.test(file.path))
  const [first] = files
  if (!first) return undefined
  const config =
    (await readJson(model.folder, 'config.json', Config)) ??
    (await readJson(model.folder, posix.join(posix.dirname(first.path), 'config.json'), Config))
  const layers = config?.num_hidden_layers ?? config?.n_layers
  const hidden = config?.hidden_size ?? config?.dim ?? config?.n_embd
  if (config === undefined || layers === undefined || hidden === undefined) return undefined
  const sizes = await Promise.all(
    files.map((file) =>
      stat(join(model.folder, file.path)).then(
        (found) => found.size,
        () => file.sizeBytes,
      ),
    ),
  )
  const weightBytes = sizes.reduce((sum, bytes) => sum + bytes, 0)
  return {
    kind: 'encoder',
    parameters: model.parameters,
    weightBytes,
    layers,
    hidden,
    feedForward: config.intermediate_size ?? config.hidden_dim ?? config.n_inner ?? 4 * hidden,
    heads: config.num_attention_heads ?? config.n_heads ?? Math.max(1, Math.round(hidden / 64)),
    weightBits: nearestBits((weightBytes * 8) / model.parameters),
  }
}
