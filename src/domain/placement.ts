import type { DeviceKind } from './device.ts'
import type { EngineId } from './engine.ts'
import type { Task } from './task.ts'

/** One way to serve a task. */
export interface Placement {
  readonly task: Task
  /** Model id. */
  readonly model: string
  readonly engine: EngineId
  /** Device id. */
  readonly device: string
  readonly kind: DeviceKind
  readonly simulated: boolean
}

/** Stable name of a placement, for workers, metrics and logs. */
export function placementId(p: Placement): string {
  return `${p.task}:${p.model}:${p.engine}:${p.device}`
}
