/** Thousands of machines: what holds for every plan. */
import { describe, expect, test } from 'vitest'
import {
  type DecoderLoad,
  type DecoderShape,
  type Device,
  type DeviceKind,
  type EngineId,
  type MemoryNeed,
  type Plan,
  type PlannedPlacement,
  placementId,
  sameDeviceName,
} from '../domain/index.ts'
import { type Candidate, possiblePlacements } from './candidates.ts'
import { factsOf, knownAs, speedOf } from './facts.ts'
import { decoderNeed } from './fit/decoder-need.ts'
import { byWeight, type PlannedModel, type PlannerInput, useOf } from './input.ts'
import { hostShare } from './memory.ts'
import { devicesCalled } from './named-devices.ts'
import { wishFor } from './order.ts'
import { makePlan } from './planner.ts'
import { figure, gib, parameters, percent } from './say.ts'
import { randomInput, shuffled, withAnotherDevice } from './testing/random-machine.ts'

interface Run {
  readonly input: PlannerInput
  readonly plan: Plan
}

const RUNS: readonly Run[] = Array.from({ length: 3000 }, (_, seed) => {
  const input = randomInput(seed)
  return { input, plan: makePlan(input) }
})

/** The check throws a sentence; it is told with the seed that shows it. */
function always(check: (run: Run, seed: number) => void): void {
  for (const [seed, run] of RUNS.entries()) {
    try {
      check(run, seed)
    } catch (thrown) {
      throw new Error(`seed ${seed}: ${(thrown as Error).message}`, { cause: thrown })
    }
  }
}

/** Cheaper than expect() in millions of checks. */
function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(what)
}

const placedIn = (plan: Plan): PlannedPlacement[] => Object.values(plan.tasks).flat()
const ofModel = (plan: Plan, { task, model }: PlannedModel): PlannedPlacement[] =>
  (plan.tasks[task] ?? []).filter((each) => each.model === model.id)

/** The device whose memory a placement takes, also where a pin names it in another way. */
function deviceOf({ device, engine }: { device: string; engine: string }, { devices }: PlannerInput): Device {
  const byId = devices.find(({ id }) => id === device)
  const found = byId ?? devices.find(({ engines }) => sameDeviceName(engines[engine as never] ?? '', device))
  if (!found) throw new Error(`no device ${device}`)
  return found
}

/** Weights of the layers on a device and their cache for one chat: less than this it cannot take. */
function leastHeld(shape: DecoderShape, load: DecoderLoad, onCpu: boolean): number {
  const layers = shape.layerBytes.length
  const first = onCpu ? 0 : layers + 1 - load.gpuLayers
  const perNumber = load.kvType === 'f16' ? 2 : 1
  let bytes = 0
  for (let layer = Math.max(0, first); layer < layers; layer++) {
    bytes += shape.layerBytes[layer]! + (layer < load.cpuExpertLayers ? 0 : shape.expertBytes[layer]!)
    const { keys, values } = shape.kvPerToken[layer]!
    const tokens = Math.min(load.contextTokens, shape.windows?.[layer] ?? load.contextTokens)
    bytes += load.slots * tokens * (keys + values) * perNumber
  }
  return bytes
}

/** Whether the system holds little of a decoder that is wholly on its device: the token embeddings and what is computed with them. */
function hostHolds(shape: DecoderShape, load: DecoderLoad, { hostBytes, weightBytes }: MemoryNeed): boolean {
  const isWhole = load.gpuLayers > shape.layerBytes.length && load.cpuExpertLayers === 0
  return !isWhole || weightBytes < 2 ** 30 || hostBytes < weightBytes + shape.inputBytes
}

type Way = { readonly task: string; readonly model: string; readonly engine: string; readonly device: string }
const show = ({ task, model, engine, device }: Way) => `${task} ${model} ${engine}@${device}`

describe('every plan', () => {
  /** Every choice of what is loaded at once: of those that swap one at most. */
  function loadedTogether(plan: Plan): PlannedPlacement[][] {
    const loaded: PlannedPlacement[][] = [[]]
    for (const placement of placedIn(plan)) {
      const beside = (one: PlannedPlacement) => !one.swapsWith?.includes(placementId(placement))
      const more = loaded.filter((some) => some.every(beside)).map((some) => [...some, placement])
      if (placement.swapsWith) loaded.push(...more)
      else loaded.splice(0, loaded.length, ...more)
    }
    return loaded
  }

  test('fits in the memory of each device and of the system, whatever of it is loaded together', () => {
    let swapping = 0
    always(({ input, plan }) => {
      const cpu = input.devices.find(({ kind }) => kind === 'cpu')!
      const size = ({ freeBytes, memoryBytes }: Device) =>
        freeBytes ?? memoryBytes ?? Number.POSITIVE_INFINITY
      for (const loaded of loadedTogether(plan)) {
        const used = new Map<Device, number>()
        let host = 0
        for (const placement of loaded) {
          const on = deviceOf(placement, input)
          host += hostShare(on, placement.memory!)
          used.set(on, (used.get(on) ?? 0) + placement.memory!.deviceBytes)
        }
        must(host <= size(cpu), `${host} bytes of ${size(cpu)} in the system's memory`)
        for (const [on, bytes] of used) must(bytes <= size(on), `${bytes} bytes of ${size(on)} on ${on.id}`)
      }
      swapping += Number(placedIn(plan).some(({ swapsWith }) => swapsWith))
    })
    expect(swapping).toBeGreaterThan(50)
  })

  test('swaps only chat models that nobody pinned, on one device, both ways, and says so', () => {
    always(({ input, plan }) => {
      const all = new Map(placedIn(plan).map((each) => [placementId(each), each]))
      for (const [id, placement] of all) {
        if (!placement.swapsWith) continue
        must(placement.swapsWith.length > 0, 'with nothing')
        must(placement.task === 'chat' && placement.role === 'primary', `${id} is no first chat placement`)
        must(!input.pins?.chat || placement.use !== 'chat' || !!plan.unmet, `${id} is pinned`)
        for (const other of placement.swapsWith.map((each) => all.get(each))) {
          must(other?.swapsWith?.includes(id) === true, `${id} swaps one way`)
          must(other?.device === placement.device, `${id} swaps with what is elsewhere`)
          const said = placement.reasons[0]!
          must(said.startsWith('does not fit beside ') && said.includes(other!.model), said)
        }
      }
    })
  })

  test('swaps only where nothing else is fast enough', () => {
    let looked = 0
    always(({ input, plan }) => {
      const firsts = placedIn(plan).filter(({ role }) => role === 'primary')
      for (const [at, placement] of firsts.entries()) {
        const before = firsts.slice(0, at).map(placementId)
        if (!placement.swapsWith?.every((id) => before.includes(id))) continue // others make room for it
        const planned = input.models.find(({ model }) => model.id === placement.model)!
        const { task } = wishFor(planned, input.policy, input.onBattery === true)
        // what stands behind it had room before as well
        for (const { measured, ...behind } of ofModel(plan, planned).slice(1)) {
          const { load, kind } = behind
          const layers = planned.shape?.kind === 'decoder' ? planned.shape.layerBytes.length : 0
          const isCut = load && kind !== 'cpu' && (load.gpuLayers <= layers || load.cpuExpertLayers > 0)
          if (isCut) continue // slower than its numbers
          looked += 1
          const speed = measured && speedOf(measured)
          must(!speed || speed.ms > task.maxMs, `${show(behind)} is fast enough`)
        }
      }
    })
    expect(looked).toBeGreaterThan(3)
  })

  test('never places chat on a device that cannot hold it, opened as the plan says', () => {
    const traded = { cache: 0, context: 0, experts: 0, layers: 0 }
    always(({ input, plan }) => {
      for (const { load, memory, model, task, engine, reasons, ...rest } of placedIn(plan)) {
        const planned = input.models.find((each) => each.task === task && each.model.id === model)!
        const { shape } = planned
        must((load !== undefined) === (shape?.kind === 'decoder'), 'a decoder is opened in some way')
        if (!load || shape?.kind !== 'decoder') continue
        const on = deviceOf({ ...rest, engine }, input)
        const { batchTokens, processBytes } = input.engines.find(({ id }) => id === engine)!.footprint!
        const read = on.kind === 'cpu' ? batchTokens!.cpu : batchTokens!.gpu
        const need = decoderNeed(shape, load, { processBytes, batchTokens: read }, on.kind === 'cpu')
        must(JSON.stringify(need) === JSON.stringify(memory), 'its memory is that of its load')
        must(need.deviceBytes >= leastHeld(shape, load, on.kind === 'cpu'), 'weights and cache are counted')
        must(
          on.kind === 'cpu' || hostHolds(shape, load, need),
          "what is on the device is not the system's too",
        )
        must(load.slots === (planned.slots ?? 1), 'as many chats as were wanted')
        const wanted = Math.min(planned.contextTokens ?? 16_384, planned.model.contextTokens)
        const said = (word: string) => reasons.some((reason) => reason.includes(word))
        const gave = {
          cache: load.kvType !== 'f16',
          context: load.contextTokens < wanted,
          experts: load.cpuExpertLayers > 0,
          layers: on.kind !== 'cpu' && load.gpuLayers < shape.layerBytes.length + 1,
        }
        must(gave.cache === said('KV cache in'), 'a smaller cache is said')
        must(gave.context === said(`context ${load.contextTokens} instead`), 'a smaller window is said')
        must(gave.experts === said('experts of'), 'moved experts are said')
        must(gave.layers === said(' layers on the device'), 'moved layers are said')
        for (const kind of ['cache', 'context', 'experts', 'layers'] as const)
          traded[kind] += Number(gave[kind])
      }
    })
    for (const count of Object.values(traded)) expect(count).toBeGreaterThan(20)
  })

  test('never uses what is forbidden, refused or known to fail', () => {
    always(({ input, plan }) => {
      const banned = (input.never ?? []).flatMap((name) => devicesCalled(name, input.devices))
      for (const placement of placedIn(plan)) {
        const on = deviceOf(placement, input)
        must(!banned.includes(on), `${show(placement)} is forbidden`)
        const isIt = (each: Way) => show({ ...placement, device: on.id }) === show(each)
        must(!input.refusals!.some(isIt), `${show(placement)} was refused`)
        const fails = (one: PlannedPlacement) =>
          input.measurements!.some((each) => each.failed && show(each) === show(one))
        const ofSame = plan.tasks[placement.task]!.filter(({ model }) => model === placement.model)
        const isPinned = input.pins?.[placement.task] !== undefined
        must(
          isPinned || !fails(placement) || ofSame.every(fails),
          `${show(placement)} fails, another does not`,
        )
      }
    })
  })

  /** With an engine a device has its id and that engine's name, without one every engine's. */
  function isCalled(device: Device, name: string, engine: EngineId | undefined, devices: readonly Device[]) {
    if (engine === undefined) return devicesCalled(name, devices).includes(device)
    return [device.id, device.engines[engine] ?? device.id].some((each) => sameDeviceName(each, name))
  }

  test('honours a pin, or says that it cannot', () => {
    let kept = 0
    let unmet = 0
    always(({ input, plan }) => {
      const pinned = byWeight(input.models).filter(
        (each) => input.pins?.[each.task] && (each.task !== 'chat' || useOf(each) === 'chat'),
      )
      for (const planned of pinned) {
        const pin = input.pins![planned.task]!
        const isPinned = (each: { engine: string; device: string }) =>
          (pin.engine === undefined || pin.engine === each.engine) &&
          (pin.device === undefined || isCalled(deviceOf(each, input), pin.device, pin.engine, input.devices))
        const [first] = ofModel(plan, planned)
        const told = plan.unmet?.find((each) => each.task === planned.task && each.model === planned.model.id)
        must((told?.reason ?? 'x') !== '', 'an unmet pin has a reason')
        if (told) {
          unmet += 1
          must(!first || (input.onUnmetPin === 'standIn' && !!first.insteadOf), 'who stands in says so')
          const works = (each: Candidate) =>
            isPinned(each) && each.task === planned.task && each.model === planned.model.id
          const possible = possiblePlacements(input).candidates.filter(works)
          must(pinned.length > 1 || possible.length === 0, `${told.pin} is possible: ${told.reason}`)
        } else {
          kept += 1
          must(first !== undefined && isPinned(first), `${planned.model.id} is not where its pin says`)
        }
      }
    })
    expect(kept).toBeGreaterThan(200)
    expect(unmet).toBeGreaterThan(200)
  })

  test('has one first placement for each model and at most so many behind it, each on a device of its own', () => {
    always(({ input, plan }) => {
      for (const planned of byWeight(input.models)) {
        const list = ofModel(plan, planned)
        const roles = list.map(({ role }) => role)
        must(roles.indexOf('primary') <= 0 && roles.lastIndexOf('primary') <= 0, `roles ${roles}`)
        must(list.length <= 1 + input.policy.tasks[planned.task].standIns, `${list.length} placements`)
        const where = list.map((each) => deviceOf(each, input).id)
        const ways = list.map((each, at) =>
          input.pins?.[planned.task] ? `${each.engine} ${where[at]}` : where[at],
        )
        must(new Set(ways).size === ways.length, `twice on one device: ${ways}`)
      }
    })
  })

  test('places or rejects every possible placement, once', () => {
    always(({ input, plan }) => {
      const pinned = (task: string) => input.pins?.[task as 'chat'] !== undefined
      const ways = [...placedIn(plan), ...plan.rejected].filter(({ task }) => !pinned(task)).map(show)
      must(new Set(ways).size === ways.length, 'one stands there twice')
      const free = byWeight(input.models).filter(({ task }) => !pinned(task))
      const all = free.flatMap(({ task, model }) =>
        input.devices.flatMap(({ id }) =>
          input.engines.map((engine) => show({ task, model: model.id, engine: engine.id, device: id })),
        ),
      )
      must(all.length === ways.length && all.every((way) => ways.includes(way)), 'one is missing')
      must(
        plan.rejected.every(({ reason }) => reason !== ''),
        'a rejection without a reason',
      )
    })
  })

  test('is the same again, and in whatever order devices and numbers come', () => {
    always(({ input, plan }, seed) => {
      const text = JSON.stringify(plan)
      must(JSON.stringify(makePlan(input)) === text, 'another plan the second time')
      must(JSON.stringify(makePlan(shuffled(input, seed))) === text, 'another plan in another order')
    })
  })

  test('chooses the fastest where the policy wants speed and everything is measured', () => {
    let compared = 0
    always(({ input, plan }) => {
      const [planned] = byWeight(input.models)
      if (!planned || Object.keys(input.pins ?? {}).length > 0) return
      const wish = wishFor(planned, input.policy, input.onBattery === true)
      const { candidates } = possiblePlacements(input)
      const own = candidates.filter(
        (each) =>
          each.task === planned.task &&
          each.model === planned.model.id &&
          wish.kinds.includes(each.kind) &&
          !input.measurements!.some((m) => m.failed && show(m) === show(each)),
      )
      if (wish.goal !== 'speed' || own.some(({ measured }) => !measured)) return
      const [first] = ofModel(plan, planned)
      must(first !== undefined || own.length === 0, 'it is placed where it can be')
      if (!first || own.length === 0) return
      const speed = speedOf(first.measured!)!
      compared += 1
      for (const each of own) {
        const other = speedOf(each.measured!)!
        const better =
          other.perSecond > speed.perSecond && (other.ms <= wish.task.maxMs || speed.ms > wish.task.maxMs)
        must(!better, `${show(each)} is faster`)
      }
    })
    expect(compared).toBeGreaterThan(50)
  })
})

/**
 * A model's new first placement is worse when it is so in all that is known of both: its kind is wanted less, it does less per second
 * and takes longer for one, and where energy counts it takes more.
 */
function isWorse(
  next: PlannedPlacement,
  last: PlannedPlacement,
  planned: PlannedModel,
  input: PlannerInput,
  chats: readonly string[],
) {
  const { kinds, goal, task } = wishFor(planned, input.policy, input.onBattery === true)
  const at = (kind: DeviceKind) => (kinds.includes(kind) ? kinds.indexOf(kind) : kinds.length)
  const rank = ({ kind, device }: PlannedPlacement) => {
    const isSpare = task.spareGpu && kind === 'dgpu' && kinds.includes(kind) && !chats.includes(device)
    return isSpare ? Math.min(at('dgpu'), at('cpu') - 0.5) : at(kind)
  }
  const [now, then] = [next, last].map(({ measured }) => measured && speedOf(measured))
  if (!now || !then || rank(next) <= rank(last) || now.perSecond >= then.perSecond || now.ms <= then.ms)
    return false
  if (goal !== 'energy') return true
  return now.joules !== undefined && then.joules !== undefined && now.joules > then.joules
}

test('a further device makes no plan worse: the first model that it moves is not worse off', () => {
  let moved = 0
  always(({ input: given }, seed) => {
    const input = { ...given, interference: [] } // speeds are compared as they are alone
    const plan = makePlan(input)
    const another = withAnotherDevice(input, seed)
    const more = makePlan(another)
    const chats: string[] = []
    for (const planned of inTurn(input, plan)) {
      const [last] = ofModel(plan, planned)
      const [next] = ofModel(more, planned)
      must(!last || next !== undefined, `${planned.model.id} lost its place`)
      if (!last || show(next!) === show(last)) {
        if (!last && next) return // it takes memory now that others had
        if (next?.task === 'chat') chats.push(deviceOf(next, another).id)
        continue
      }
      moved += 1
      if (last.swapsWith && !next!.swapsWith) return // slower perhaps, and always loaded
      must(!isWorse(next!, last, planned, input, chats), `${show(last)} became ${show(next!)}`)
      return // what comes after finds other memory
    }
  })
  expect(moved).toBeGreaterThan(300)
})

/** Models as they chose: those whose pin holds first, then by weight. */
function inTurn(input: PlannerInput, plan: Plan): PlannedModel[] {
  const holds = ({ task, model, use = 'chat' }: PlannedModel) =>
    input.pins?.[task] !== undefined &&
    (task !== 'chat' || use === 'chat') &&
    !plan.unmet?.some((each) => each.task === task && each.model === model.id)
  return byWeight(input.models).sort((a, b) => Number(holds(b)) - Number(holds(a)))
}

/** Numbers that a plan's sentences may hold, as they are written. */
function factsIn(input: PlannerInput, plan: Plan): Set<string> {
  const { policy } = input
  const facts = factsOf(input)
  const said: string[] = ['8 4'] // bits that an NPU is fastest with
  const firsts = placedIn(plan).filter(({ role }) => role === 'primary')
  const placed = inTurn(input, plan)
    .flatMap((planned) =>
      firsts.filter((each) => each.task === planned.task && each.model === planned.model.id),
    )
    .map((each) => ({ ...each, device: deviceOf(each, input).id }))
  for (const task of Object.values(policy.tasks))
    said.push(figure(task.maxMs), percent(task.minShare), String(task.standIns))
  said.push(parameters(policy.maxNpuChatParameters))
  for (const { model, shape } of input.models) {
    said.push(parameters(model.parameters))
    if (shape?.kind === 'encoder') said.push(String(shape.weightBits))
  }
  for (const { memoryBytes } of input.devices) said.push(gib(memoryBytes ?? 0))
  for (const { memory, load } of placedIn(plan)) {
    said.push(gib(memory!.deviceBytes))
    if (load) said.push(`q8_0 f16 ${load.contextTokens} ${load.gpuLayers} ${load.cpuExpertLayers}`)
  }
  for (const { shape, contextTokens = 16_384, model } of input.models) {
    if (shape?.kind !== 'decoder') continue
    const layers = shape.layerBytes.length
    said.push(`${Math.min(contextTokens, model.contextTokens)} ${layers} ${layers + 1}`)
  }
  for (const measured of input.measurements ?? []) {
    const alone = speedOf(measured)
    if (!alone) continue
    said.push(figure(measured.decoder?.promptTokensPerSecond ?? 0), figure(alone.joules ?? 0))
    const others = placed.filter((each) => each.task !== measured.task || each.model !== measured.model)
    const own = firsts.find((each) => each.task === measured.task && each.model === measured.model)
    // what swaps with it is not loaded while it works
    const loaded = others.filter((each) => !own?.swapsWith?.includes(placementId(each)))
    for (const beside of [others, loaded])
      for (let count = 0; count <= beside.length; count++) {
        const keeps = beside
          .slice(0, count)
          .reduce((all, other) => all * (facts.keeps(knownAs(measured), knownAs(other)) ?? 1), 1)
        const speed = speedOf(measured, keeps)!
        said.push(figure(speed.perSecond), figure(speed.ms), percent(keeps))
      }
  }
  return new Set(said.flatMap(numbersOf))
}

function numbersOf(text: string): string[] {
  return text.match(/\d+(\.\d+)?(e[+-]\d+)?/g) ?? []
}

test('every number in a reason is a number of the machine, the models, the measurements or the policy', () => {
  let read = 0
  always(({ input, plan }) => {
    const facts = factsIn(input, plan)
    const names = [
      'cosine 0.93',
      ...input.devices.flatMap(({ id, name, engines }) => [name, ...Object.values(engines), id]),
      'gpu9',
      ...(input.never ?? []),
    ].sort((a, b) => b.length - a.length)
    const sentences = [
      ...placedIn(plan).flatMap(({ reasons }) => reasons),
      ...plan.rejected.map((r) => r.reason),
    ]
    for (const sentence of sentences) {
      if (sentence.startsWith('does not fit') || sentence.includes(': does not fit')) continue // told by the fit, tested there
      const bare = names.reduce((text, name) => text.replaceAll(name, ''), sentence)
      for (const number of numbersOf(bare)) {
        read += 1
        must(facts.has(number), `${number} in "${sentence}"`)
      }
    }
  })
  expect(read).toBeGreaterThan(10_000)
})
