import { z } from 'zod'
import { type ServerSoftware, tasksByName } from './contract.ts'

const Models = z.object({ data: z.array(z.object({ id: z.string() })) })

/** Anything that lists its models as OpenAI does ("GET /v1/models"); nothing else is asked of it. */
export const openaiServer: ServerSoftware = {
  kind: 'openai',
  title: 'a server with the OpenAI API',
  ports: [],
  api: '/v1',
  health: '/v1/models',
  async look(get) {
    const models = Models.safeParse(await get('/v1/models'))
    if (!models.success) return undefined
    return { models: models.data.data.map(({ id }) => ({ name: id, tasks: tasksByName(id) })) }
  },
}
