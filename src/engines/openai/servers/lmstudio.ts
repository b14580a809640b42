import { z } from 'zod'
import type { ServerModel, Task } from '../../../domain/index.ts'
import { type Get, type ModelKeeper, parametersOf, type ServerSoftware } from './contract.ts'

/** LM Studio docs, developer/rest/list: "GET /api/v1/models" (0.4 and later). `parallel` is told by those that batch. */
const Listed = z.object({
  models: z.array(
    z.object({
      type: z.enum(['llm', 'embedding']),
      key: z.string(),
      params_string: z.string().nullish(),
      loaded_instances: z.array(
        z.object({
          id: z.string(),
          config: z.object({ context_length: z.number().optional(), parallel: z.number().optional() }),
        }),
      ),
      max_context_length: z.number().optional(),
      capabilities: z.object({ vision: z.boolean().optional() }).optional(),
    }),
  ),
})

/** LM Studio docs, developer/rest/endpoints: "GET /api/v0/models" (0.3.6 and later). */
const ListedBefore = z.object({
  data: z.array(
    z.object({
      id: z.string(),
      type: z.enum(['llm', 'vlm', 'embeddings']),
      state: z.enum(['loaded', 'loading', 'not-loaded']),
      max_context_length: z.number().optional(),
      loaded_context_length: z.number().optional(),
    }),
  ),
})

/** What one before 0.4 answers, which loads on request only by itself. */
const NoSuchRoute = z.object({ error: z.string() })

/** LM Studio docs, developer/rest/load: its first releases called the id `model_instance_id`. */
const Loaded = z
  .union([z.object({ instance_id: z.string() }), z.object({ model_instance_id: z.string() })])
  .transform((told) => ('instance_id' in told ? told.instance_id : told.model_instance_id))

/** docs of LM Studio, developer/rest/load and unload. Each load makes another instance, so what is loaded is left alone. */
const keeper: ModelKeeper = {
  async load(order, name, contextTokens) {
    const told = await order.get('/api/v1/models', z.union([Listed, NoSuchRoute]))
    if ('error' in told) return undefined
    if (told.models.some(({ key, loaded_instances }) => key === name && loaded_instances.length > 0))
      return undefined
    const body = { model: name, ...(contextTokens === undefined ? {} : { context_length: contextTokens }) }
    return order.post('/api/v1/models/load', body, Loaded)
  },
  async unload(order, loadedAs) {
    await order.post(
      '/api/v1/models/unload',
      { instance_id: loadedAs },
      z.object({ instance_id: z.literal(loadedAs) }),
    )
  },
}

/** It does not tell on which device a model runs, and answers unknown routes with 200 and an `error`. */
export const lmStudio: ServerSoftware = {
  kind: 'lmstudio',
  title: 'LM Studio',
  ports: [1234],
  api: '/v1',
  health: '/v1/models',
  async look(get) {
    const models = (await listed(get)) ?? (await listedBefore(get))
    return models && { models }
  },
  async sizes(get, name) {
    const models = (await listed(get)) ?? (await listedBefore(get))
    return models?.find((each) => each.name === name && each.loaded)
  },
  keeper,
}

async function listed(get: Get): Promise<ServerModel[] | undefined> {
  const told = Listed.safeParse(await get('/api/v1/models'))
  return told.data?.models.map(
    ({ key, type, loaded_instances, max_context_length, params_string, capabilities }) => {
      const [first] = loaded_instances
      const { context_length = max_context_length, parallel } = first?.config ?? {}
      const parameters = parametersOf(params_string ?? '')
      return {
        name: key,
        tasks: tasksOf(type === 'embedding'),
        ...(capabilities?.vision === undefined ? {} : { images: capabilities.vision }),
        loaded: first !== undefined,
        ...(context_length === undefined ? {} : { contextTokens: context_length }),
        ...(parallel === undefined ? {} : { parallel }),
        ...(parameters === undefined ? {} : { parameters }),
      }
    },
  )
}

async function listedBefore(get: Get): Promise<ServerModel[] | undefined> {
  const told = ListedBefore.safeParse(await get('/api/v0/models'))
  return told.data?.data.map(({ id, type, state, max_context_length, loaded_context_length }) => {
    const contextTokens = loaded_context_length ?? max_context_length
    return {
      name: id,
      tasks: tasksOf(type === 'embeddings'),
      ...(type === 'embeddings' ? {} : { images: type === 'vlm' }),
      loaded: state === 'loaded',
      ...(contextTokens === undefined ? {} : { contextTokens }),
    }
  })
}

function tasksOf(isEncoder: boolean): Task[] {
  return isEncoder ? ['embed'] : ['chat']
}
