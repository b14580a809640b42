import { z } from 'zod'
import { type ServerSoftware, tasksByName } from './contract.ts'

const Version = z.object({ version: z.string() })
const Models = z.object({
  data: z
    .array(z.object({ id: z.string(), owned_by: z.literal('vllm'), max_model_len: z.number().nullish() }))
    .min(1),
})

/** vLLM, "OpenAI-Compatible Server": "GET /version", "GET /v1/models", "GET /health". It runs one model, on a GPU as a rule. */
export const vllm: ServerSoftware = {
  kind: 'vllm',
  title: 'vLLM',
  ports: [8000],
  api: '/v1',
  health: '/health',
  async look(get) {
    const models = Models.safeParse(await get('/v1/models'))
    if (!models.success) return undefined
    const version = Version.safeParse(await get('/version')).data?.version
    return {
      ...(version === undefined ? {} : { version }),
      models: models.data.data.map(({ id, max_model_len }) => ({
        name: id,
        tasks: tasksByName(id),
        loaded: true,
        ...(max_model_len == null ? {} : { contextTokens: max_model_len }),
      })),
      device: { kind: 'dgpu', told: false, why: 'vLLM runs on a GPU as a rule' },
    }
  },
}
