import type { FastifyInstance } from 'fastify'
import type { LayerTime } from '../../domain/index.ts'
import type { HttpDeps } from '../deps.ts'
import { modelForTask } from '../model-names.ts'
import { setServed } from '../served-by.ts'
import { parse } from '../validate.ts'
import { ProfileBody } from './schema.ts'

/** About a hundred tokens of code, as an index holds them. */
const TEXT = `export async function readRecords(path: string, limit: number): Promise<Record[]> {
  const records: Record[] = []
  for await (const line of createInterface({ input: createReadStream(path) })) {
    if (records.length >= limit) break
    const [key, value] = line.split('=', 2)
    if (key !== undefined && value !== undefined) records.push({ key: key.trim(), value: value.trim() })
  }
  return records
}`

/** Milliseconds and their part of the whole, for each device in the order of its first layer. */
function byDevice(layers: readonly LayerTime[], total: number) {
  const devices = new Map<string, { device: string; layers: number; ms: number }>()
  for (const { device, ms } of layers) {
    const sum = devices.get(device) ?? { device, layers: 0, ms: 0 }
    devices.set(device, { device, layers: sum.layers + 1, ms: sum.ms + ms })
  }
  return [...devices.values()].map((sum) => ({ ...sum, share: shareOf(sum.ms, total) }))
}

const shareOf = (ms: number, total: number): number => (total > 0 ? ms / total : 0)

export function profileRoute(app: FastifyInstance, deps: HttpDeps): void {
  app.post('/tandem/v1/profile', async (request, reply) => {
    const body = parse(ProfileBody, request.body)
    const model = modelForTask(deps, 'embed', body.model)
    const { signal } = request.exchange
    const { result, servedBy } = await deps.serving.profile(model.id, body.text ?? TEXT, signal)
    setServed(reply, servedBy)
    const total = result.reduce((sum, { ms }) => sum + ms, 0)
    return {
      model: model.id,
      engine: servedBy.engine,
      device: servedBy.device,
      ms: total,
      devices: byDevice(result, total),
      layers: result.map((layer) => ({ ...layer, share: shareOf(layer.ms, total) })),
    }
  })
}
