import { ENGINE_IDS, type EngineId } from '../../domain/index.ts'
import { type EngineInspection, INSPECTIONS } from '../../engines/index.ts'
import { type CommandContext, defineCommand } from '../command.ts'
import { type Connection, withServer } from '../connect.ts'
import { describeDevices } from '../devices/describe.ts'
import type { ListedDevice } from '../devices/listed.ts'
import { jsonOption, text } from '../options.ts'
import { knownEngine } from '../placed.ts'
import { table } from '../print/table.ts'

export const devices = defineCommand({
  name: 'devices',
  summary: 'list the processors that can run models',
  options: {
    engine: text(
      '<engine>',
      `only the devices of this engine, with all that it tells: ${ENGINE_IDS.join(', ')}`,
    ),
    json: jsonOption,
  },
  examples: [
    {
      line: 'tandem devices',
      does: 'each device: memory, driver, engines, what it is good for, how busy it is, and what it lacks',
    },
    {
      line: 'tandem devices --engine openvino --json',
      does: "OpenVINO's devices with every property that they have",
    },
  ],
  run: async (context, _args, { engine, json }) => {
    const known = engine === undefined ? undefined : knownEngine(engine)
    const inspect = known && INSPECTIONS[known]
    const inspection = inspect
      ? await inspect({ ...context, config: context.settings().config, env: context.io.env })
      : undefined
    const list = async ({ client }: Connection) => {
      const document = await client.devices()
      const listed = document.devices.filter(
        ({ engines }) => known === undefined || engines[known] !== undefined,
      )
      if (json) {
        context.json(
          known === undefined ? document : { ...document, ...engineDocument(known, listed, inspection) },
        )
        return 0
      }
      context.print(describeDevices(listed, context.io.stdout.columns))
      if (inspection) printInspection(context, inspection)
      return 0
    }
    return withServer(context, [], list, { anyPlan: true })
  },
})

function engineDocument(
  engine: EngineId,
  listed: readonly ListedDevice[],
  inspection: EngineInspection | undefined,
) {
  if (!inspection) return { engine, devices: listed }
  const { devices, ...rest } = inspection
  return {
    engine,
    ...rest,
    devices: devices.map(({ name, kind, title, memoryBytes, details, properties }) => {
      const known = listed.find((device) => device.engines[engine] === name)
      return {
        ...(known ?? {
          id: name,
          kind,
          name: title,
          memoryBytes,
          engines: { [engine]: name },
          simulated: false,
        }),
        details,
        properties,
      }
    }),
  }
}

function printInspection({ print, say, style }: CommandContext, inspection: EngineInspection): void {
  print(`\nversion ${inspection.version}, ${inspection.library}\n`)
  for (const { name, properties } of inspection.devices) {
    print(`\n${style.bold(name)}\n`)
    print(table(Object.entries(properties), '  '))
  }
  for (const problem of inspection.problems) say(problem)
}
