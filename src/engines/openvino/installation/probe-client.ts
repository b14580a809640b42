import { z } from 'zod'
import { runProbeProcess } from '../../probe-process.ts'
import { loadingEnvironment, type OpenVinoInstallation } from './installation.ts'

const ENTRY = 'engines/openvino/probe'
const LIMIT_MS = 60_000

const Device = z.object({
  name: z.string(),
  /** By OpenVINO's own name, `FULL_DEVICE_NAME`. */
  properties: z.record(z.string(), z.string()),
})

/** What loading the library told: printed by the entry as one JSON document. */
const Report = z.object({
  /** Absent when the library cannot be used. */
  version: z.string().optional(),
  devices: z.array(Device),
  /** Those that load. */
  plugins: z.array(z.object({ device: z.string() })).default([]),
  problems: z.array(z.object({ device: z.string().optional(), message: z.string() })),
})

export interface LoadedOpenVino {
  readonly version: string
  readonly devices: readonly z.infer<typeof Device>[]
  /** Plugins that load, by the name of their devices; one without a device finds none or no driver. */
  readonly plugins: readonly string[]
  /** One sentence each: a plugin that did not load, a device that did not answer. */
  readonly problems: readonly string[]
}

export type OpenVinoProbe =
  | { readonly state: 'loaded'; readonly loaded: LoadedOpenVino }
  | { readonly state: 'failed'; readonly why: string }

/** Loads an installation in a process of its own and lists its devices; takes at most 60 s, or `limitMs`. */
export async function probeOpenVino(
  installation: OpenVinoInstallation,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
  limitMs = LIMIT_MS,
): Promise<OpenVinoProbe> {
  const { stdout, why } = await runProbeProcess(ENTRY, [installation.library], {
    limitMs,
    env: loadingEnvironment(installation, env),
    signal,
  })
  if (why !== undefined) return { state: 'failed', why }
  return readProbe(stdout)
}

/** Reads what the entry printed. */
export function readProbe(stdout: string): OpenVinoProbe {
  let report: z.infer<typeof Report>
  try {
    report = Report.parse(JSON.parse(stdout))
  } catch {
    return { state: 'failed', why: `it printed no answer but ${JSON.stringify(stdout.slice(0, 200))}` }
  }
  const { version, devices } = report
  const problems = report.problems.map(({ device, message }) => (device ? `${device}: ${message}` : message))
  if (version === undefined) return { state: 'failed', why: problems[0] ?? 'it tells no version' }
  const plugins = report.plugins.map(({ device }) => device)
  return { state: 'loaded', loaded: { version, devices, plugins, problems } }
}

/** `Intel(R) AI Boost`; empty when the device does not tell. */
export function fullName({ properties }: LoadedOpenVino['devices'][number]): string {
  return properties['FULL_DEVICE_NAME'] ?? ''
}
