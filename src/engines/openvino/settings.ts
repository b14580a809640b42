import { z } from 'zod'

/** What `LoadSpec.settings` holds for this engine. */
export const Settings = z.strictObject({
  library: z.string().min(1).describe('absolute path of libopenvino_c'),
  cacheFolder: z.string().min(1).optional().describe('compiled models are kept below it'),
  shapes: z
    .enum(['auto', 'static', 'dynamic'])
    .default('auto')
    .describe('auto: dynamic where only the CPU takes part, static otherwise'),
  buckets: z
    .array(z.int().min(8).max(8192))
    .min(1)
    .max(12)
    .default([128, 256, 512])
    .describe("static shapes: tokens of the compiled models; cut to the model's limit"),
  batch: z.int().min(1).max(64).optional().describe('static shapes: texts of one inference; default 1'),
  requests: z
    .int()
    .min(1)
    .max(64)
    .optional()
    .describe('inferences in flight; default: what the device calls optimal'),
  properties: z.record(z.string(), z.string()).default({}).describe('further properties of the compilation'),
})
export type Settings = z.infer<typeof Settings>
