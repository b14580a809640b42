import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PACKAGE_ROOT } from '../../src/config/index.ts'
import type { ModelSpec, Recipe } from '../../src/models/index.ts'
import type { GgufHeader } from '../../src/models/layouts/gguf-header.ts'
import { headerOfSpec } from '../../src/models/shape/spec.ts'
import { writeSparseGguf } from './gguf.ts'

/** A model as its makers publish it. */
export interface PublishedModel {
  readonly model: string
  /** Where the numbers are from. */
  readonly config: string
  readonly spec: ModelSpec
  readonly files: readonly {
    readonly recipe: Recipe
    readonly bytes: number
    readonly source: string
  }[]
  readonly kvNumbersPerToken: number | null
  readonly note?: string
}

export const PUBLISHED: readonly PublishedModel[] = JSON.parse(
  readFileSync(join(PACKAGE_ROOT, 'test', 'data', 'published-models.json'), 'utf8'),
)

/** Writes the file that a model would have, without its weights, so that llama.cpp can plan it. */
export function writePlannable(path: string, spec: ModelSpec, recipe: Recipe): Promise<void> {
  const header: GgufHeader = headerOfSpec(spec, recipe)
  const { architecture } = spec
  return writeSparseGguf(path, header, {
    'tokenizer.ggml.model': 'no_vocab',
    [`${architecture}.vocab_size`]: spec.vocabulary,
    [`${architecture}.attention.layer_norm_rms_epsilon`]: 0.000001,
    [`${architecture}.expert_weights_scale`]: 1.5,
  })
}
