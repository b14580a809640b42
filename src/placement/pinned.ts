import type { EngineDescriptor } from '../domain/index.ts'
import {
  asksServers,
  type Candidate,
  candidateOn,
  isPlaceOf,
  objection,
  readableFormat,
  type Scene,
} from './candidates.ts'
import type { PlannedModel } from './input.ts'
import { devicesCalled, namesOf } from './named-devices.ts'
import { findPinned, type Pin, sharesOf, virtualOf } from './pin.ts'

/**
 * The ways in which a pin can be followed, before memory is looked at.
 * @returns the reason where there is none
 */
export function candidatesOfPin(
  planned: PlannedModel,
  pin: Pin,
  scene: Scene,
): { readonly candidates: readonly Candidate[] } | { readonly reason: string } {
  if (pin.engine === undefined) return ofDevice(planned, pin.device ?? '', scene)
  const engines = scene.input.engines.filter((each) => each.id === pin.engine)
  if (engines.length === 0) return { reason: `${pin.engine} is no engine that runs here` }
  return together(engines.map((engine) => ofEngine(planned, engine, pin.device, scene)))
}

type Found = ReturnType<typeof candidatesOfPin>

/** What several ways have found; the reason where none has anything. */
function together(ways: readonly Found[]): Found {
  const candidates = ways.flatMap((way) => ('candidates' in way ? way.candidates : []))
  if (candidates.length > 0) return { candidates }
  const reasons = ways.flatMap((way) => ('reason' in way ? way.reason : []))
  return { reason: [...new Set(reasons)].join('; ') }
}

function ofEngine(
  planned: PlannedModel,
  engine: EngineDescriptor,
  device: string | undefined,
  scene: Scene,
): Found {
  const devices = scene.devices.filter((each) => isPlaceOf(each, engine))
  const found = findPinned(device, engine, devices, problemOf(engine, scene))
  if ('reason' in found) return found
  const readable = readableFormat(planned.task, planned.model, engine)
  if ('reason' in readable) return readable
  const candidates: Candidate[] = []
  let reason = ''
  for (const { device: text, title, members } of found) {
    const [on] = members
    const isVirtual = device !== undefined && virtualOf(device, engine) !== undefined
    const shares = sharesOf(text, engine, members)
    const rest = { format: readable.format, scene, asked: text, where: title, isVirtual, shares }
    const candidate = candidateOn(on, { planned, descriptor: engine, ...rest })
    const against = objection(candidate, members, scene) // that it failed once is no objection to who asks for it
    if (against !== undefined) reason ||= against
    else candidates.push(candidate)
  }
  return candidates.length > 0 ? { candidates } : { reason }
}

/** By a device alone: each engine that knows it and reads the model. */
function ofDevice(planned: PlannedModel, name: string, scene: Scene) {
  const { devices, input } = scene
  const called = devicesCalled(name, devices)
  const virtual = input.engines.filter((engine) => virtualOf(name, engine))
  if (called.length === 0 && virtual.length === 0)
    return { reason: `there is no device ${name} here; there is ${namesOf(devices)}${problemsOf(scene)}` }
  const candidates: Candidate[] = []
  let reason = ''
  const attempts =
    called.length === 0
      ? virtual.map((engine) => ({ engine, device: name }))
      : called.flatMap((on) =>
          input.engines
            .filter((engine) => on.engines[engine.id] && isPlaceOf(on, engine))
            .map((engine) => ({ engine, device: on.id })),
        )
  for (const { engine, device } of attempts) {
    const found = ofEngine(planned, engine, device, scene)
    if ('candidates' in found) candidates.push(...found.candidates)
    else reason ||= found.reason
  }
  return candidates.length > 0 ? { candidates } : { reason: reason || `no engine here knows ${name}` }
}

/** Why an engine has no devices; an adopted server that is away is told of elsewhere. */
function problemOf(engine: EngineDescriptor, { input }: Scene): string | undefined {
  return asksServers(engine) ? undefined : input.problems?.[engine.id]
}

/** Engines that found no devices, with the reason. */
function problemsOf(scene: Scene): string {
  const told = scene.input.engines.flatMap((engine) => {
    const problem = problemOf(engine, scene)
    return problem === undefined ? [] : [`${engine.title}: ${problem}`]
  })
  return told.length > 0 ? ` (${told.join('; ')})` : ''
}
