import type { EngineDescriptor } from '../domain/index.ts'
import { type Candidate, candidateOn, objection, readableFormat, type Scene } from './candidates.ts'
import type { PlannedModel } from './input.ts'
import { devicesCalled, namesOf } from './named-devices.ts'
import { findPinned, type Pin, virtualOf } from './pin.ts'

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
  const engine = scene.input.engines.find((each) => each.id === pin.engine)
  if (!engine) return { reason: `${pin.engine} is no engine that runs here` }
  return ofEngine(planned, engine, pin.device, scene)
}

function ofEngine(planned: PlannedModel, engine: EngineDescriptor, device: string | undefined, scene: Scene) {
  const { devices, input, facts } = scene
  const found = findPinned(device, engine, devices, input.problems?.[engine.id])
  if ('reason' in found) return found
  const readable = readableFormat(planned.task, planned.model, engine)
  if ('reason' in readable) return readable
  const candidates: Candidate[] = []
  let reason = ''
  for (const { device: text, title, members } of found) {
    const [on] = members
    const isVirtual = device !== undefined && virtualOf(device, engine) !== undefined
    const rest = { format: readable.format, facts, asked: text, where: title, isVirtual }
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
      : called.flatMap(({ id, engines }) =>
          input.engines.filter((engine) => engines[engine.id]).map((engine) => ({ engine, device: id })),
        )
  for (const { engine, device } of attempts) {
    const found = ofEngine(planned, engine, device, scene)
    if ('candidates' in found) candidates.push(...found.candidates)
    else reason ||= found.reason
  }
  return candidates.length > 0 ? { candidates } : { reason: reason || `no engine here knows ${name}` }
}

/** Engines that found no devices, with the reason. */
function problemsOf({ input }: Scene): string {
  const told = input.engines.flatMap(({ id, title }) => {
    const problem = input.problems?.[id]
    return problem === undefined ? [] : [`${title}: ${problem}`]
  })
  return told.length > 0 ? ` (${told.join('; ')})` : ''
}
