import type { Placement, PlacementRef } from '../../domain/index.ts'

export const PLACEMENT_LABELS = ['task', 'model', 'engine', 'device', 'simulated'] as const

/** What a metric says of a placement; each value is one of few. */
export function placementLabels(
  placement: PlacementRef & Pick<Placement, 'simulated'>,
): Record<(typeof PLACEMENT_LABELS)[number], string> {
  const { task, model, engine, device, simulated } = placement
  return { task, model, engine, device, simulated: String(simulated) }
}

/** `llama.cpp@gpu0`, as the configuration writes it. */
export function placeName({ engine, device }: Pick<Placement, 'engine' | 'device'>): string {
  return `${engine}@${device}`
}

/** Why a worker does not serve: the words of the scheduler that a metric tells apart. */
const REASONS: readonly string[] = [
  'starting',
  'restarting',
  'quarantined',
  'stopped',
  'unloaded',
  'full',
  'slower',
  'failed',
  'hung',
  'lost',
  'probing',
  'leaving',
]

/** A reason as a label; a sentence would make a series of its own each time. */
export function reasonLabel(why: string): string {
  return REASONS.includes(why) ? why : 'other'
}
