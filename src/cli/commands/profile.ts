import type { Config } from '../../config/index.ts'
import type { ProfileDocument } from '../client/documents.ts'
import { type CommandContext, defineCommand } from '../command.ts'
import { type Connection, withServer } from '../connect.ts'
import { flag, integer, jsonOption, setting, text } from '../options.ts'
import { placedBy, placementOptions } from '../placed.ts'
import { table } from '../print/table.ts'
import { textsOf } from '../texts.ts'

export const profile = defineCommand({
  name: 'profile',
  summary: 'time every layer of the embedding model, and show which device ran it',
  description:
    'Loads the model anew with profiling, on OpenVINO unless --engine says otherwise, and takes the mean of some runs on one text.',
  args: [{ name: 'text', help: 'what to embed; `-` reads standard input; without it a piece of code' }],
  options: {
    model: text('<id>', 'the embedding model; without it the one of the plan'),
    ...placementOptions,
    heteroConfig: setting('openvino.hetero', '<file>'),
    top: integer('<n>', 'slowest layers that the table shows', { min: 1, max: 10_000, initial: 20 }),
    order: flag('layers in the order in which they ran, not the slowest first'),
    json: jsonOption,
  },
  examples: [
    { line: 'tandem profile', does: 'the slowest layers on the first device that OpenVINO has' },
    { line: 'tandem profile --device HETERO:NPU,CPU', does: 'how the model is split over both' },
    { line: 'tandem profile --hetero-config hetero_config.json --json', does: 'every layer as JSON' },
  ],
  run: async (context, words, { model, top, order, json, ...where }) => {
    const [given] = await textsOf(words, context.io)
    const { config } = context.settings()
    const engine =
      where.engine ?? (where.device === undefined && hasOwnPlace(config) ? undefined : 'openvino')
    const placed = placedBy('embed', { engine, device: where.device })
    const work = async ({ client }: Connection): Promise<number> => {
      const document = await client.profile({ model, text: given })
      if (json) context.json(document)
      else print(context, document, top, order)
      return 0
    }
    const change = (config: Config): Config => ({
      ...config,
      openvino: { ...config.openvino, profiling: true },
    })
    return withServer(context, ['embed'], work, { ...(placed ? { placed } : {}), change })
  },
})

/** The configuration says where the model runs. */
function hasOwnPlace({ openvino, placement }: Config): boolean {
  return openvino.hetero !== undefined || placement.embed !== undefined
}

function print(
  { print, style }: CommandContext,
  document: ProfileDocument,
  top: number,
  order: boolean,
): void {
  const { model, engine, device, ms, devices, layers } = document
  print(`${style.bold(model)} by ${engine} on ${device}: ${ms.toFixed(2)} ms in ${layers.length} layers\n\n`)
  const split = devices.map((each) => [
    each.device,
    String(each.layers),
    each.ms.toFixed(2),
    percent(each.share),
  ])
  print(table([['device', 'layers', 'ms', 'share'], ...split], '  '))
  const slowest = order ? layers : [...layers].sort((a, b) => b.ms - a.ms)
  const rows = slowest
    .slice(0, top)
    .map((layer) => [layer.ms.toFixed(3), percent(layer.share), layer.device, layer.type, layer.name])
  print(`\n${table([['ms', 'share', 'device', 'type', 'layer'], ...rows], '  ')}`)
  if (layers.length > top) print(style.dim(`  ... and ${layers.length - top} more (--top)\n`))
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}
