import { z } from 'zod'
import type { Task } from '../../../domain/index.ts'
import type { ServerSoftware } from './contract.ts'

const Models = z.object({
  data: z.array(
    z.object({
      id: z.string(),
      type: z.enum(['llm', 'vlm', 'embeddings']),
      state: z.enum(['loaded', 'not-loaded']),
      max_context_length: z.number().optional(),
      loaded_context_length: z.number().optional(),
    }),
  ),
})

/** LM Studio's REST API, "GET /api/v0/models"; it does not tell on which device a model runs. */
export const lmStudio: ServerSoftware = {
  kind: 'lmstudio',
  title: 'LM Studio',
  ports: [1234],
  api: '/v1',
  health: '/v1/models',
  async look(get) {
    const models = Models.safeParse(await get('/api/v0/models'))
    if (!models.success) return undefined
    return {
      models: models.data.data.map(({ id, type, state, max_context_length, loaded_context_length }) => {
        const contextTokens = loaded_context_length ?? max_context_length
        const tasks: Task[] = type === 'embeddings' ? ['embed'] : ['chat']
        return {
          name: id,
          tasks,
          loaded: state === 'loaded',
          ...(type === 'embeddings' ? {} : { images: type === 'vlm' }),
          ...(contextTokens === undefined ? {} : { contextTokens }),
        }
      }),
    }
  },
}
