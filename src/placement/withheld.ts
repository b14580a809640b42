/** What servers could do and may not be asked: a plan says so, for their models are in no task. */
import type { Device, RejectedPlacement, WithheldModel } from '../domain/index.ts'
import { listed } from './say.ts'

/** One for each server and task: a provider has more models than anyone reads. */
export function withheldPlacements(devices: readonly Device[]): RejectedPlacement[] {
  return devices.flatMap(({ id, server }) => {
    if (!server) return []
    const { name, local, models, withheld = [] } = server
    const allowed = [...new Set(models.map(({ task }) => task))]
    const uses = allowed.length > 0 ? ` (${listed(allowed)} may)` : ''
    const tasks = [...new Set(withheld.map(({ task }) => task))]
    return tasks.map((task): RejectedPlacement => {
      const [first, ...others] = withheld.filter((each) => each.task === task) as [
        WithheldModel,
        ...WithheldModel[],
      ]
      const rest = others.length > 0 ? `; ${others.length} more of its models likewise` : ''
      const stays = local ? 'it is not asked' : 'nothing of it leaves this machine'
      return {
        task,
        model: first.model,
        engine: 'openai',
        device: id,
        reason: `\`tasks\` of ${name} in \`servers\` does not name ${task}${uses}: ${stays}${rest}`,
      }
    })
  })
}
