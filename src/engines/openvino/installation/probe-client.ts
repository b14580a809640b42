import { z } from 'zod'
import { runProbeProcess } from '../../probe-process.ts'
import { loadingEnvironment, type OpenVinoInstallation } from './installation.ts'

const ENTRY = 'engines/openvino/probe'
const LIMIT_MS = 60_000

const Device = z.object({
  name: z.string(),
  /** By OpenVINO's own name, `FULL_DEVICE_NAME`. */
  properties: z.record(z.string(), z.unknown()),
})

/** What loading the library told: printed by the entry as one JSON document. */
const Loaded = z.object({
  version: z.string(),
  devices: z.array(Device),
  /** One sentence each: a plugin that did not load, a device that did not answer. */
  problems: z.array(z.string()),
})
export type LoadedOpenVino = z.infer<typeof Loaded>

export type OpenVinoProbe =
  | { readonly state: 'loaded'; readonly loaded: LoadedOpenVino }
  | { readonly state: 'failed'; readonly why: string }

/** Loads an installation in a process of its own and lists its devices; takes at most 60 s. */
export async function probeOpenVino(
  installation: OpenVinoInstallation,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<OpenVinoProbe> {
  const { stdout, why } = await runProbeProcess(ENTRY, [installation.library], {
    limitMs: LIMIT_MS,
    env: loadingEnvironment(installation, env),
    signal,
  })
  if (why !== undefined) return { state: 'failed', why }
  return readProbe(stdout)
}

/** Reads what the entry printed. */
export function readProbe(stdout: string): OpenVinoProbe {
  try {
    return { state: 'loaded', loaded: Loaded.parse(JSON.parse(stdout)) }
  } catch {
    return { state: 'failed', why: `it printed no answer but ${JSON.stringify(stdout.slice(0, 200))}` }
  }
}

/** `Intel(R) AI Boost`; empty when the device does not tell. */
export function fullName({ properties }: LoadedOpenVino['devices'][number]): string {
  const name = properties['FULL_DEVICE_NAME']
  return typeof name === 'string' ? name : ''
}
