import { z } from 'zod'
import { DEVICE_KINDS, type ServerDevice, TASKS } from '../../../domain/index.ts'
import type { ServerSoftware } from './contract.ts'

const Models = z.object({
  data: z.array(
    z.object({
      id: z.string(),
      owned_by: z.literal('tandem'),
      tandem: z.object({
        tasks: z.array(z.enum(TASKS)),
        contextTokens: z.number(),
        dimensions: z.number().optional(),
        images: z.boolean().optional(),
        project: z.string().optional(),
      }),
    }),
  ),
})
const Plan = z.object({
  tasks: z.partialRecord(
    z.enum(TASKS),
    z.array(z.object({ model: z.string(), kind: z.enum(DEVICE_KINDS), device: z.string() })),
  ),
})

/** Another Tandem: its `/v1/models` and `/tandem/v1/plan`. Names with a project are its own business. */
export const tandem: ServerSoftware = {
  kind: 'tandem',
  title: 'another Tandem',
  ports: [8420],
  api: '/v1',
  health: '/v1/models',
  async look(get) {
    const models = Models.safeParse(await get('/v1/models'))
    if (!models.success) return undefined
    const device = deviceOf(await get('/tandem/v1/plan'))
    return {
      models: models.data.data
        .filter(({ tandem: { project } }) => project === undefined)
        .map(({ id, tandem: { tasks, contextTokens, dimensions, images } }) => ({
          name: id,
          tasks,
          contextTokens,
          ...(dimensions === undefined ? {} : { dimensions }),
          ...(images === undefined ? {} : { images }),
        })),
      ...(device ? { device } : {}),
    }
  },
}

/** Several tasks may run on several devices of it: that of its chats is what it is known by. */
function deviceOf(plan: unknown): ServerDevice | undefined {
  const { chat = [], embed = [] } = Plan.safeParse(plan).data?.tasks ?? {}
  const [first] = [...chat, ...embed]
  return first && { kind: first.kind, told: true, why: `its plan runs ${first.model} on ${first.device}` }
}
