import { z } from 'zod'
import { type ServerSoftware, tasksByName } from './contract.ts'

const Version = z.object({
  result: z.literal('KoboldCpp'),
  version: z.string(),
  vision: z.boolean().optional(),
})
const Models = z.object({ data: z.array(z.object({ id: z.string() })) })
const Window = z.object({ value: z.number() })

/** KoboldCpp's API page: "GET /api/extra/version", "GET /api/extra/true_max_context_length", "GET /v1/models". */
export const koboldcpp: ServerSoftware = {
  kind: 'koboldcpp',
  title: 'KoboldCpp',
  ports: [5001],
  api: '/v1',
  health: '/api/extra/version',
  async look(get) {
    const version = Version.safeParse(await get('/api/extra/version'))
    if (!version.success) return undefined
    const { vision: images } = version.data
    const models = Models.safeParse(await get('/v1/models')).data?.data ?? []
    const contextTokens = Window.safeParse(await get('/api/extra/true_max_context_length')).data?.value
    return {
      version: version.data.version,
      models: models.map(({ id }) => ({
        name: id,
        tasks: tasksByName(id),
        loaded: true,
        ...(images === undefined ? {} : { images }),
        ...(contextTokens === undefined ? {} : { contextTokens }),
      })),
    }
  },
}
