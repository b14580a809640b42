import type { Plan, PlannedPlacement, Task } from '../domain/index.ts'
import { placeBehind } from './behind.ts'
import { type Scene, sceneOf } from './candidates.ts'
import { reservedCores } from './cores.ts'
import { type Draft, draftOf, fittingInOrder, place } from './draft.ts'
import { byWeight, type PlannerInput } from './input.ts'
import { Ledger } from './memory.ts'
import { pinText } from './pin.ts'
import { candidatesOfPin } from './pinned.ts'
import { whyFirst } from './reasons.ts'
import { takeTurns, tellTurns } from './turns.ts'
import { withheldPlacements } from './withheld.ts'

/**
 * Decides where each model runs, with reasons. Models choose in the order of their weight (chat, embed, rerank, classify, then
 * further chat models), pinned ones before all others; each takes the best that is left by a total order, and what it takes of a
 * memory the next ones lack; a chat model that would have no good place may be loaded in turns with another. When all have a place, each takes what stands behind it. Unmeasured, rules of thumb decide.
 */
export function makePlan(input: PlannerInput): Plan {
  const scene = sceneOf(input)
  const ledger = new Ledger(scene.devices)
  const drafts = byWeight(input.models).map((planned) => draftOf(planned, scene))
  for (const draft of drafts) if (draft.pin) placePinned(draft, drafts, ledger, scene)
  const left = drafts.filter((draft) => !draft.first && !isLeftAlone(draft, input))
  for (const draft of left) placeFirst(draft, drafts, ledger, scene)
  for (const draft of drafts) placeBehind(draft, drafts, ledger, scene)
  for (const draft of drafts) tellTurns(draft)
  const tasks: Partial<Record<Task, readonly PlannedPlacement[]>> = {}
  for (const { planned, placements } of drafts)
    tasks[planned.task] = [...(tasks[planned.task] ?? []), ...placements]
  const unmet = drafts.flatMap(({ unmet: each }) => {
    if (!each) return []
    const { task, model, pin, by, reason } = each
    return [{ task, model, pin, by, reason }]
  })
  const cores = scene.devices.find(({ kind }) => kind === 'cpu')?.cores ?? 1
  return {
    policy: input.policy.name,
    simulated: Object.values(tasks).some((list) => list.some((each) => each.simulated)),
    tasks,
    rejected: [...drafts.flatMap((draft) => draft.rejected), ...withheldPlacements(scene.devices)],
    reserveCores: reservedCores(input.policy, cores, input.reserveCores ?? 0),
    ...(unmet.length > 0 ? { unmet } : {}),
  }
}

/** A pinned task without fallback, or whose pin cannot hold and nobody shall stand in. */
function isLeftAlone({ pin, unmet }: Draft, { exclusive, onUnmetPin }: PlannerInput): boolean {
  return pin !== undefined && (exclusive === true || (unmet !== undefined && onUnmetPin !== 'standIn'))
}

function placePinned(draft: Draft, drafts: readonly Draft[], ledger: Ledger, scene: Scene): void {
  const { planned, pin } = draft
  const asked = pin!
  const found = candidatesOfPin(planned, asked, scene)
  const fitted =
    'candidates' in found ? fittingInOrder(found.candidates, draft, drafts, ledger, scene) : undefined
  const [best] = fitted?.rated ?? []
  const by = asked.by ?? `placement.${planned.task}`
  if (fitted && best) {
    place(draft, best, fitted, ledger, 'primary', [`${by} asks for ${pinText(asked)}`])
    return
  }
  const reason = 'reason' in found ? found.reason : ([...(fitted?.reasons.values() ?? [])][0] ?? '')
  const asFor = { engine: asked.engine ?? 'any engine', device: asked.device ?? '' }
  const ref = { task: planned.task, model: planned.model.id }
  draft.unmet = { ...ref, ...asFor, pin: pinText(asked), by, reason }
  draft.rejected.unshift({ ...ref, ...asFor, reason })
}

function placeFirst(draft: Draft, drafts: readonly Draft[], ledger: Ledger, scene: Scene): void {
  const working = fittingInOrder(draft.wanted, draft, drafts, ledger, scene)
  if (takeTurns(draft, drafts, working, ledger, scene)) return
  // what failed once may work again: where nothing else is left, its worker is to tell
  const fitted =
    working.rated.length > 0 ? working : fittingInOrder(draft.failed, draft, drafts, ledger, scene)
  const [best] = fitted.rated
  if (!best) return
  const { policy, onBattery } = scene.input
  const why = whyFirst(best, fitted.rated, draft.wish, policy, onBattery === true)
  place(draft, best, fitted, ledger, 'primary', why)
}
