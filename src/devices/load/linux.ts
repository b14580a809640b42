import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { definedOnly } from '../defined-only.ts'
import { namesIn, numberOf } from '../linux/files.ts'
import { readHwmon } from '../linux/hwmon.ts'
import type { Look } from './look.ts'
import type { LoadSource } from './source.ts'

/**
 * GPUs and NPUs from what their drivers put into sysfs; whatever a driver does not have is absent.
 * @param root where the file system begins
 */
export function linuxLoad(root = '/'): LoadSource {
  return {
    async look(devices) {
      const looks = await Promise.all(
        devices.map(async ({ id, kind, pciAddress }): Promise<[string, Look] | undefined> => {
          if (pciAddress === undefined) return undefined
          const read = await (kind === 'npu' ? lookAtNpu : lookAtGpu)(root, pciAddress)
          return Object.keys(read).length > 1 ? [id, read] : undefined
        }),
      )
      return new Map(looks.filter((look) => look !== undefined))
    },
  }
}

const folderOf = (root: string, pciAddress: string) => join(root, 'sys/bus/pci/devices', pciAddress)

/** intel_vpu. A frequency of 0 is a suspended NPU. */
async function lookAtNpu(root: string, pciAddress: string): Promise<Look> {
  const folder = folderOf(root, pciAddress)
  const [busyUs, usedBytes, mhz] = await Promise.all(
    ['npu_busy_time_us', 'npu_memory_utilization', 'npu_current_frequency_mhz'].map((name) =>
      numberOf(join(folder, name)),
    ),
  )
  return {
    atMs: performance.now(),
    ...definedOnly({ busyMs: busyUs === undefined ? undefined : busyUs / 1000, usedBytes, mhz }),
  }
}

/** xe, i915 and amdgpu. Busy of Intel's is the time in which it did not sleep. */
async function lookAtGpu(root: string, pciAddress: string): Promise<Look> {
  const folder = folderOf(root, pciAddress)
  const [percent, usedBytes, hwmon, idle, act] = await Promise.all([
    numberOf(join(folder, 'gpu_busy_percent')),
    numberOf(join(folder, 'mem_info_vram_used')),
    lookAtHwmon(root, pciAddress),
    firstOf(folder, ['tile0/gt0/gtidle/idle_residency_ms', 'drm/CARD/gt/gt0/rc6_residency_ms']),
    firstOf(folder, ['tile0/gt0/freq0/act_freq', 'drm/CARD/gt/gt0/rps_act_freq_mhz']),
  ])
  const atMs = performance.now()
  return {
    atMs,
    ...definedOnly({
      busy: percent === undefined ? undefined : Math.min(1, percent / 100),
      busyMs: idle === undefined ? undefined : atMs - idle,
      usedBytes,
      mhz: act ?? hwmon.mhz,
      watts: hwmon.watts,
      energy: hwmon.energy,
    }),
  }
}

/** The first file that has a number; `CARD` is whatever the card is called. */
async function firstOf(folder: string, paths: readonly string[]): Promise<number | undefined> {
  const card = (await namesIn(join(folder, 'drm'))).find((name) => /^card\d+$/.test(name))
  for (const path of paths) {
    if (path.includes('CARD') && card === undefined) continue
    const value = await numberOf(join(folder, path.replace('CARD', card ?? '')))
    if (value !== undefined) return value
  }
  return undefined
}

/** Watts of amdgpu, energy of Intel's discrete GPUs. */
async function lookAtHwmon(
  root: string,
  pciAddress: string,
): Promise<Pick<Look, 'watts' | 'energy' | 'mhz'>> {
  const [microwatts, microjoules, hertz] = await Promise.all(
    (['power1_average', 'energy1_input', 'freq1_input'] as const).map((value) =>
      readHwmon(root, pciAddress, value),
    ),
  )
  return definedOnly({
    watts: microwatts === undefined ? undefined : microwatts / 1e6,
    energy: microjoules === undefined ? undefined : { microjoules, atMs: performance.now() },
    mhz: hertz === undefined ? undefined : Math.round(hertz / 1e6),
  })
}
