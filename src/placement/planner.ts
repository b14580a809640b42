import type {
  Device,
  EngineDescriptor,
  Model,
  ModelFormat,
  Plan,
  PlannedPlacement,
  Policy,
  RejectedPlacement,
  Task,
} from '../domain/index.ts'

export interface PlannerInput {
  readonly policy: Policy
  readonly devices: readonly Device[]
  /** Engines in order of preference where several could serve a task. */
  readonly engines: readonly EngineDescriptor[]
  /** The model chosen for each task. */
  readonly models: Readonly<Partial<Record<Task, Model>>>
}

/**
 * Decides where each task runs, with reasons. Until placements are measured it follows rules of thumb:
 * the first engine that reads the model on the first device that the engine knows serves, further ones follow as fallback.
 */
export function makePlan(input: PlannerInput): Plan {
  const tasks: Partial<Record<Task, PlannedPlacement[]>> = {}
  const rejected: RejectedPlacement[] = []
  for (const [task, model] of Object.entries(input.models) as [Task, Model][]) {
    const placements: PlannedPlacement[] = []
    for (const engine of input.engines) {
      for (const device of input.devices) {
        const verdict = judge(task, model, engine, device)
        const where = { task, model: model.id, engine: engine.id, device: device.id }
        if ('reason' in verdict) {
          rejected.push({ ...where, reason: verdict.reason })
          continue
        }
        placements.push({
          ...where,
          engine: engine.id,
          kind: device.kind,
          simulated: device.simulated,
          role: placements.length === 0 ? 'primary' : 'fallback',
          reasons: [
            `${engine.title} reads the model's ${verdict.format} files and runs on ${device.name}`,
            'not measured yet: chosen by rule of thumb',
          ],
        })
      }
    }
    tasks[task] = placements
  }
  const simulated = Object.values(tasks).some((list) => list.some((p) => p.simulated))
  return { policy: input.policy, simulated, tasks, rejected }
}

type Verdict = { readonly format: ModelFormat } | { readonly reason: string }

function judge(task: Task, model: Model, engine: EngineDescriptor, device: Device): Verdict {
  if (!engine.tasks.includes(task)) return { reason: `${engine.title} does not serve ${task}` }
  if (!engine.devices.includes(device.kind) || device.engines[engine.id] === undefined)
    return { reason: `${engine.title} does not run on ${device.name} here` }
  const format = engine.formats.find((f) => model.files[f] !== undefined)
  if (format === undefined)
    return {
      reason: `${engine.title} reads ${engine.formats.join(', ')}; the model has ${Object.keys(model.files).join(', ')}`,
    }
  const bytes = (model.files[format] ?? []).reduce((sum, file) => sum + file.sizeBytes, 0)
  if (device.memoryBytes !== undefined && bytes > device.memoryBytes)
    return { reason: `does not fit: ${bytes} bytes of weights, ${device.memoryBytes} bytes of memory` }
  return { format }
}
