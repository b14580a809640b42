import { type EmbedOutput, TandemError } from '../domain/index.ts'

/**
 * Refuses vectors that cannot be right: wrong count, wrong width, NaN or infinite.
 * @throws TandemError ENGINE_FAILED
 */
export function checkEmbedOutput(
  value: unknown,
  inputs: number,
  engine: string,
  dimensions?: number,
): EmbedOutput {
  const fail = (why: string) => new TandemError('ENGINE_FAILED', { engine, why })
  const output = value as Partial<EmbedOutput> | null | undefined
  if (!output || !(output.vectors instanceof Float32Array) || !output.dimensions)
    throw fail('its answer holds no vectors')
  if (dimensions !== undefined && output.dimensions !== dimensions)
    throw fail(`vectors of ${output.dimensions} dimensions, the model has ${dimensions}`)
  if (output.vectors.length !== inputs * output.dimensions)
    throw fail(`${output.vectors.length / output.dimensions} vectors for ${inputs} inputs`)
  if (output.tokens?.length !== inputs)
    throw fail(`token counts of ${output.tokens?.length ?? 0} inputs for ${inputs}`)
  if (!output.vectors.every(Number.isFinite)) throw fail('a vector holds NaN or infinity')
  return { truncated: [], ...output } as EmbedOutput
}
