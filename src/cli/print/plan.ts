import type { PlanDifference } from '../../domain/index.ts'
import type { PlanDocument } from '../client/documents.ts'
import type { Style } from './style.ts'
import { table } from './table.ts'
import { wrapped } from './wrap.ts'

type Rejected = PlanDocument['rejected'][number]

/** A plan for a person: each task's placements with their reasons, then what was rejected and why. */
export function planText(plan: PlanDocument, style: Style): string {
  const parts = [`policy ${style.bold(plan.policy)}${plan.simulated ? ' (simulated devices)' : ''}\n`]
  for (const [task, placements] of Object.entries(plan.tasks)) {
    parts.push(`\n${style.bold(task)}\n`)
    if (placements.length === 0) parts.push('  nothing serves it\n')
    for (const { role, model, engine, device, use, reasons, threads } of placements) {
      const named = use === undefined || use === 'chat' ? model : `${model} (${use})`
      parts.push(table([[role, named, engine, device]], '  '))
      const all = threads === undefined ? reasons : [...reasons, threadsText(threads, role)]
      for (const reason of all) parts.push(style.dim(wrapped(reason, '    ', '      ')))
    }
  }
  if (plan.rejected.length > 0) parts.push(`\n${style.bold('rejected')}\n${rejectedText(plan.rejected)}`)
  return parts.join('')
}

function threadsText(threads: number, role: string): string {
  const count = `${threads} ${threads === 1 ? 'thread' : 'threads'}`
  return `computes on ${count} of the CPU${role === 'fallback' ? ' once it serves' : ''}`
}

/** One entry for each task, model, engine and reason; devices that share it stand together. */
function rejectedText(rejected: readonly Rejected[]): string {
  const groups = new Map<string, { first: Rejected; devices: string[] }>()
  for (const each of rejected) {
    const key = JSON.stringify([each.task, each.model, each.engine, each.reason])
    const group = groups.get(key) ?? { first: each, devices: [] }
    if (each.device !== '') group.devices.push(each.device)
    groups.set(key, group)
  }
  return [...groups.values()]
    .map(({ first: { task, model, engine, reason }, devices }) => {
      const where = devices.length > 0 ? ` on ${devices.join(', ')}` : ''
      return wrapped(`${task} ${model}, ${engine}${where}: ${reason}`, '  ', '    ')
    })
    .join('')
}

/** What another plan does otherwise, for a person. */
export function differenceText(differences: readonly PlanDifference[], style: Style): string {
  if (differences.length === 0) return 'no difference\n'
  return differences
    .map(({ task, model, from, to, behindFrom, behindTo, swapsFrom, swapsTo, reason }) => {
      const moved = from === to ? `${to}` : `${from ?? 'nothing'} -> ${to ?? 'nothing'}`
      const behind =
        behindFrom && behindTo
          ? wrapped(`behind it: ${some(behindFrom)} -> ${some(behindTo)}`, '    ', '      ')
          : ''
      const turns =
        swapsFrom && swapsTo
          ? wrapped(`loaded in turns with: ${some(swapsFrom)} -> ${some(swapsTo)}`, '    ', '      ')
          : ''
      const head = `${style.bold(task)}  ${wrapped(`${model}: ${moved}`, '', '  ')}`
      return `${head}${behind}${turns}${style.dim(wrapped(reason, '    ', '      '))}`
    })
    .join('')
}

function some(names: readonly string[]): string {
  return names.length > 0 ? names.join(', ') : 'nothing'
}
