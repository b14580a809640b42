import { join } from 'node:path'
import type { CoreClasses } from '../system.ts'
import { namesIn, numberOf, textOf } from './files.ts'

/** Slow ones must be this much slower, else they are fast ones that differ in how far they can be clocked. */
const CLEARLY_SLOWER = 0.8

/**
 * Fast and economical logical processors.
 * @param count all of the machine: classes that do not add up to it are not believed
 * @returns undefined where all are alike, or the system does not tell
 */
export async function readLinuxCores(root: string, count: number): Promise<CoreClasses | undefined> {
  const classes = (await byPmu(root)) ?? (await bySpeed(root))
  return classes && classes.performance + classes.efficiency === count ? classes : undefined
}

/** Intel's hybrid processors have a counter unit for each class. */
async function byPmu(root: string): Promise<CoreClasses | undefined> {
  const [performance, efficiency] = await Promise.all(
    ['cpu_core', 'cpu_atom'].map(async (unit) =>
      listLength(await textOf(join(root, 'sys/devices', unit, 'cpus'))),
    ),
  )
  return performance && efficiency ? { performance, efficiency } : undefined
}

/** `0-7,16`: 9; undefined for anything else. */
export function listLength(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d+(-\d+)?(,\d+(-\d+)?)*$/.test(text)) return undefined
  return text.split(',').reduce((sum, part) => {
    const [from = 0, to = from] = part.split('-').map(Number)
    return sum + Math.max(0, to - from + 1)
  }, 0)
}

async function bySpeed(root: string): Promise<CoreClasses | undefined> {
  const folder = join(root, 'sys/devices/system/cpu')
  const names = (await namesIn(folder)).filter((name) => /^cpu\d+$/.test(name))
  for (const file of ['cpu_capacity', 'cpufreq/cpuinfo_max_freq']) {
    const speeds = await Promise.all(names.map((name) => numberOf(join(folder, name, file))))
    const known = speeds.filter((speed) => speed !== undefined)
    if (known.length === names.length && known.length > 0) return splitBySpeed(known)
  }
  return undefined
}

/** Two classes where the widest gap is clear. */
export function splitBySpeed(speeds: readonly number[]): CoreClasses | undefined {
  const sorted = [...speeds].sort((a, b) => a - b)
  let best = { at: 0, ratio: CLEARLY_SLOWER }
  for (let at = 1; at < sorted.length; at++) {
    const ratio = sorted[at - 1]! / sorted[at]!
    if (ratio <= best.ratio) best = { at, ratio }
  }
  return best.at === 0 ? undefined : { performance: sorted.length - best.at, efficiency: best.at }
}
