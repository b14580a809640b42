import type { InspectionInput } from '../discovery.ts'
import {
  findOpenVino,
  type LoadedOpenVino,
  type OpenVinoInstallation,
  probeOpenVino,
  whyNone,
} from './installation/index.ts'

/** An installation that a process of its own has loaded. */
interface Usable {
  readonly installation: OpenVinoInstallation
  readonly loaded: LoadedOpenVino
}

/**
 * Finds the OpenVINO to use and lets a process of its own load it.
 * @param thorough whether the Pythons on the PATH and the system's folders are looked at too
 * @param limitMs of loading; default 60 s
 * @returns the reason when none can be used
 */
export async function findAndLoad(
  { config, home, env, signal }: InspectionInput,
  thorough: boolean,
  limitMs?: number,
): Promise<Usable | { readonly problem: string }> {
  const { folder: configured } = config.openvino
  const { installation, candidates } = await findOpenVino({
    home,
    env,
    signal,
    thorough,
    ...(configured === undefined ? {} : { configured }),
  })
  if (!installation) return { problem: whyNone(candidates) }
  const probe = await probeOpenVino(installation, env, signal, limitMs)
  if (probe.state === 'loaded') return { installation, loaded: probe.loaded }
  return { problem: `${installation.library} does not load: ${probe.why}` }
}
