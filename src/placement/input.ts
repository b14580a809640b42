import type {
  ChatUse,
  DecoderShape,
  Device,
  EngineDescriptor,
  EngineId,
  Interference,
  Measurement,
  Model,
  ModelShape,
  PlacementRef,
  PolicySpec,
  Task,
} from '../domain/index.ts'
import type { Pin } from './pin.ts'

/** A model that shall serve a task. */
export interface PlannedModel {
  readonly task: Task
  readonly model: Model
  /** Absent where the files could not be read. */
  readonly shape?: ModelShape
  /** Chat models: what for; absent: `chat`. */
  readonly use?: ChatUse
  /** Only requests that name it get it: it comes after all others, and no pin of its task means it. */
  readonly onDemand?: boolean
  /** File of a projector of images that a llama-server of ours opens beside it. */
  readonly projectorBytes?: number
  /** A model that drafts for it in a llama-server of ours. */
  readonly draft?: DecoderShape
  /** Decoders: the window that the user wants, in tokens of one chat. */
  readonly contextTokens?: number
  readonly slots?: number
}

export interface PlannerInput {
  readonly policy: PolicySpec
  /** In any order. */
  readonly devices: readonly Device[]
  /** In order of preference where nothing is measured. */
  readonly engines: readonly EngineDescriptor[]
  /** Of several models for one use the first is placed first. */
  readonly models: readonly PlannedModel[]
  readonly measurements?: readonly Measurement[]
  readonly interference?: readonly Interference[]
  /** Tried, and cannot serve here: `refused: vectors differ, cosine 0.93`. */
  readonly refusals?: readonly (PlacementRef & { readonly reason: string })[]
  /** Where the user wants a task; of chat models the one for chats. */
  readonly pins?: Readonly<Partial<Record<Task, Pin>>>
  /** Device ids, engines' names of devices, or kinds, that are not used. */
  readonly never?: readonly string[]
  /** Why an engine has no devices, where that is known. */
  readonly problems?: Readonly<Partial<Record<EngineId, string>>>
  /** A pinned task gets no fallback: who asks for a device wants that one or an error. */
  readonly exclusive?: boolean
  /** The machine runs on battery. */
  readonly onBattery?: boolean
  /** Logical processors that model threads leave free at least; default 0. */
  readonly reserveCores?: number
  /** What becomes of a task whose pin cannot hold: nothing serves it, or what the plan would choose. Default `report`. */
  readonly onUnmetPin?: 'report' | 'standIn'
}

const WEIGHT = ['chat', 'embed', 'rerank', 'classify', 'autocomplete', 'apply']

/** What a model is for: the first words in the order by which models are placed. */
export function useOf({ task, use }: PlannedModel): string {
  return task === 'chat' ? (use ?? 'chat') : task
}

/** Models in the order in which they choose; one that stands there twice for a task chooses once. */
export function byWeight(models: readonly PlannedModel[]): PlannedModel[] {
  const weight = (planned: PlannedModel) =>
    (planned.onDemand ? WEIGHT.length : 0) + WEIGHT.indexOf(useOf(planned))
  const sorted = [...models].sort((a, b) => weight(a) - weight(b))
  const seen = new Set<string>()
  return sorted.filter(({ task, model }) => {
    const key = `${task}:${model.id}`
    return !seen.has(key) && seen.add(key)
  })
}
