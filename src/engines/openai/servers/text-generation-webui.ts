import { z } from 'zod'
import type { ServerSoftware } from './contract.ts'

const Info = z.object({ model_name: z.string(), lora_names: z.array(z.string()) })

/** text-generation-webui, "OpenAI compatible API": "GET /v1/internal/model/info". It has one model loaded, or `None`. */
export const textGenerationWebui: ServerSoftware = {
  kind: 'text-generation-webui',
  title: 'text-generation-webui',
  ports: [5000],
  api: '/v1',
  health: '/v1/internal/health',
  async look(get) {
    const info = Info.safeParse(await get('/v1/internal/model/info'))
    if (!info.success) return undefined
    const { model_name: name } = info.data
    return { models: name === 'None' ? [] : [{ name, tasks: ['chat'], loaded: true }] }
  },
}
