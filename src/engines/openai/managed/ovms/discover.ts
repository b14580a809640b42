import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { Config } from '../../../../config/index.ts'
import { definedOnly } from '../../../../devices/index.ts'
import type { ServerDevice } from '../../../../domain/index.ts'
import type { FoundServer, FoundServers } from '../../discover.ts'
import { programIn, programsInPath } from '../programs.ts'
import type { OvmsLaunch } from './settings.ts'

const PROGRAM = process.platform === 'win32' ? 'ovms.exe' : 'ovms'
const GIB = 1024 ** 3
/** What it cannot do without (its demos/embeddings, "You should have a model folder like below"). */
const NEEDED = ['openvino_model.xml', 'openvino_tokenizer.xml']

/** The part of a model's own `config.json` that a plan needs. */
const ModelConfig = z.object({
  hidden_size: z.int().positive().optional(),
  max_position_embeddings: z.int().positive().optional(),
})

/** The models of `ovms.models`, each as a server that Tandem starts when the plan wants it. */
export async function configuredOvms(
  { ovms: { path, args, models } }: Pick<Config, 'ovms'>,
  { home, env }: { readonly home: string; readonly env: NodeJS.ProcessEnv },
): Promise<FoundServers> {
  if (models.length === 0) return { servers: [], warnings: [] }
  const binary = path ?? (await findOvms(home, env))
  if (binary === undefined)
    return {
      servers: [],
      warnings: [
        `ovms: there is none in ${join(home, 'engines', 'ovms')} or in the PATH; unpack a release of OpenVINO Model Server there, or set ovms.path`,
      ],
    }
  const warnings: string[] = []
  const servers: FoundServer[] = []
  for (const { name, folder, task, device, pooling, cacheGiB } of models) {
    const missing = await firstMissing(folder)
    if (missing !== undefined) {
      warnings.push(
        `ovms.models: ${name} is left out: ${missing} is not there; export the model with its tokenizer (optimum-cli), or take one of the OpenVINO organization`,
      )
      continue
    }
    const launch: OvmsLaunch = {
      binary,
      folder,
      device,
      pooling,
      cacheGiB,
      args,
      work: join(home, 'servers', `ovms-${name}`),
      logs: join(home, 'logs'),
    }
    const { hidden_size, max_position_embeddings } = await readModelConfig(folder)
    servers.push({
      name: `ovms-${name}`,
      kind: 'ovms',
      url: `http://127.0.0.1/ovms/${name}`,
      local: true,
      answered: true,
      launch,
      on: device,
      weightBytes: await weightBytesOf(folder),
      ...(task === 'chat' ? { cacheBytes: cacheGiB * GIB } : {}),
      ...definedOnly({ device: deviceOf(device) }),
      models: [
        {
          name,
          tasks: [task],
          ...definedOnly({ contextTokens: max_position_embeddings }),
          ...(task === 'embed' ? definedOnly({ dimensions: hidden_size }) : {}),
        },
      ],
    })
  }
  return { servers, warnings }
}

/** Below TANDEM_HOME first. */
async function findOvms(home: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const own = await programIn(join(home, 'engines', 'ovms'), PROGRAM)
  return own ?? (await programsInPath(PROGRAM, env))[0]
}

async function firstMissing(folder: string): Promise<string | undefined> {
  for (const name of NEEDED) {
    const path = join(folder, name)
    const entry = await stat(path).catch(() => undefined)
    if (!entry?.isFile()) return path
  }
  return undefined
}

/** All weights of the IRs in a folder: a model may have several, and its tokenizer has one. */
async function weightBytesOf(folder: string): Promise<number> {
  const names = (await readdir(folder)).filter((name) => /\.bin$/i.test(name))
  const stats = await Promise.all(names.map((name) => stat(join(folder, name)).catch(() => undefined)))
  return stats.reduce((sum, each) => sum + (each?.isFile() ? each.size : 0), 0)
}

async function readModelConfig(folder: string): Promise<z.infer<typeof ModelConfig>> {
  try {
    return ModelConfig.parse(JSON.parse(await readFile(join(folder, 'config.json'), 'utf8')))
  } catch {
    return {} // not every model has one, and it only makes the plan better
  }
}

/** A GPU is integrated or not whatever its number is: others know. */
function deviceOf(device: string): ServerDevice | undefined {
  const kind = device === 'CPU' ? 'cpu' : device === 'NPU' ? 'npu' : undefined
  return kind && { kind, told: true, why: `ovms.models puts it on ${device}` }
}
