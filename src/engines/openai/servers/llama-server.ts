import { z } from 'zod'
import type { Task } from '../../../domain/index.ts'
import { Props } from '../wire.ts'
import { type ServerSoftware, tasksByName } from './contract.ts'

const Models = z.object({
  data: z
    .array(
      z.object({
        id: z.string(),
        owned_by: z.literal('llamacpp'),
        meta: z
          .object({
            vocab_type: z.number().optional(),
            n_embd: z.number().optional(),
            n_params: z.number().optional(),
          })
          .nullish(),
      }),
    )
    .min(1),
})

/** WordPiece and Unigram (llama.cpp include/llama.h, `llama_vocab_type`): vocabularies of encoders. */
const ENCODER_VOCABULARIES = [3, 4]

/** llama.cpp tools/server/README.md: "GET /v1/models", "GET /props", "GET /health". It does not tell on which device it runs. */
export const llamaServer: ServerSoftware = {
  kind: 'llama-server',
  title: 'llama-server',
  ports: [8080],
  api: '/v1',
  health: '/health',
  async look(get) {
    const models = Models.safeParse(await get('/v1/models'))
    if (!models.success) return undefined
    const props = Props.safeParse(await get('/props')).data
    const [only] = models.data.data
    return {
      ...(props?.build_info === undefined ? {} : { version: props.build_info }),
      models: models.data.data.map(({ id, meta }) => {
        const file = only?.id === id ? props?.model_path : undefined
        const images = props?.modalities?.vision
        const contextTokens = props?.default_generation_settings.n_ctx
        return {
          name: id,
          tasks: tasksOf(id, meta?.vocab_type),
          loaded: true,
          ...(contextTokens === undefined ? {} : { contextTokens }),
          ...(meta?.n_embd === undefined ? {} : { dimensions: meta.n_embd }),
          ...(meta?.n_params === undefined ? {} : { parameters: meta.n_params }),
          ...(images === undefined ? {} : { images }),
          ...(file ? { file } : {}),
        }
      }),
    }
  },
}

function tasksOf(name: string, vocabulary: number | undefined): Task[] {
  const [byName] = tasksByName(name)
  if (byName !== 'chat' || vocabulary === undefined) return tasksByName(name)
  return ENCODER_VOCABULARIES.includes(vocabulary) ? ['embed'] : ['chat']
}
