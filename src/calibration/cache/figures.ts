import { z } from 'zod'
import type { Measurement, PlacementRef } from '../../domain/index.ts'

const positive = z.number().positive()
const size = z.number().min(0)

const Schema = z.object({
  loadMs: size.optional(),
  hostBytes: size.optional(),
  deviceBytes: size.optional(),
  watts: size.optional(),
  threads: z.int().min(1).optional(),
  failed: z.string().optional(),
  encoder: z
    .object({
      textsPerSecond: positive,
      buckets: z.array(z.object({ tokens: z.int().min(1), batch: z.int().min(1), msPerText: positive })),
    })
    .optional(),
  decoder: z.object({ promptTokensPerSecond: positive, decodeTokensPerSecond: positive }).optional(),
})

/** What the cache keeps of a measurement; of which placement, its key says. */
export type Figures = Omit<Measurement, keyof PlacementRef | 'from' | 'estimated'>

export function figuresText(measurement: Measurement): string {
  return JSON.stringify(Schema.parse(measurement))
}

/** @returns undefined for what is no measurement: it is made anew */
export function readFigures(text: string): Figures | undefined {
  try {
    const figures = Schema.parse(JSON.parse(text)) as Figures // JSON has no undefined
    return (figures.failed ?? figures.encoder ?? figures.decoder) === undefined ? undefined : figures
  } catch {
    return undefined
  }
}
