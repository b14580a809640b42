import { z } from 'zod'
import { type ServerSoftware, tasksByName } from './contract.ts'

/** `/v1/config` (docs/model_server_rest_api_tfs.md, "Config Status API"): empty while a graph loads. */
export const OvmsStatus = z.record(
  z.string(),
  z.object({ model_version_status: z.array(z.object({ state: z.string() })) }),
)
const Models = z.object({ data: z.array(z.object({ id: z.string() })) })

/**
 * OpenVINO Model Server, docs/model_server_rest_api_tfs.md ("Config Status API") and docs/model_server_rest_api_chat.md
 * ("/v3/models"). Graphs are listed by both; the state is only in the first.
 */
export const ovms: ServerSoftware = {
  kind: 'ovms',
  title: 'OpenVINO Model Server',
  ports: [8000],
  api: '/v3',
  health: '/v2/health/ready',
  async look(get) {
    const config = OvmsStatus.safeParse(await get('/v1/config'))
    if (!config.success) return undefined
    const listed = Models.safeParse(await get('/v3/models')).data?.data.map(({ id }) => id)
    const names = listed ?? Object.keys(config.data)
    return {
      models: names.map((name) => {
        const states = config.data[name]?.model_version_status ?? []
        return {
          name,
          tasks: tasksByName(name),
          ...(states.length > 0 ? { loaded: states.some(({ state }) => state === 'AVAILABLE') } : {}),
        }
      }),
    }
  },
}
