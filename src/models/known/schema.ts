import { z } from 'zod'
import { TASKS } from '../../domain/index.ts'
import { WEIGHT_FORMATS } from '../layouts/weights.ts'

const source = z.strictObject({
  format: z.enum(WEIGHT_FORMATS),
  repository: z.string().regex(/^[\w.-]+\/[\w.-]+$/),
  revision: z.string().min(1).default('main'),
  /** Which weights, by pattern, in order of preference; none: Tandem's own order. */
  files: z.array(z.string().min(1)).default([]),
})

/** What is known of a model before its repository is read; sizes and hashes never are. */
export const KnownModel = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9.-]*$/),
  title: z.string().min(1),
  tasks: z.array(z.enum(TASKS)).min(1),
  /** As published, rounded. */
  parameters: z.int().min(1),
  license: z.string().min(1),
  /** Kinds of devices that it suits, the best first. */
  devices: z.array(z.enum(['npu', 'igpu', 'dgpu', 'cpu'])).min(1),
  /** Used where the repository's own files say nothing. */
  embedding: z
    .strictObject({
      pooling: z.enum(['mean', 'cls', 'last']),
      normalize: z.boolean(),
      queryPrefix: z.string().default(''),
      passagePrefix: z.string().default(''),
      shorterDimensions: z.array(z.int().min(1)).default([]),
    })
    .exactOptional(),
  /** The first is taken unless another format is asked for. */
  sources: z.array(source).min(1),
})
export type KnownModel = z.infer<typeof KnownModel>
