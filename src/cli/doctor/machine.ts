import { mkdir, readFile, rm, statfs, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus, freemem, totalmem } from 'node:os'
import { join } from 'node:path'
import { type Check, failed, ok, warn } from './check.ts'

const GIB = 1024 ** 3
const MIN_NODE = [20, 12] as const
const MIN_MEMORY_BYTES = 2 * GIB
const MIN_DISK_BYTES = 1 * GIB
/** One watch for each folder of a tree. */
const MIN_WATCHES = 65_536

export function checkNode(version: string): Check {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const fits = major > MIN_NODE[0] || (major === MIN_NODE[0] && minor >= MIN_NODE[1])
  const wanted = MIN_NODE.join('.')
  return fits
    ? ok('node', 'Node', version)
    : failed('node', 'Node', `${version}, ${wanted} needed`, `install Node ${wanted} or newer`)
}

/** Tandem keeps indexes, models and settings there. */
export async function checkHome(home: string): Promise<Check> {
  const title = 'TANDEM_HOME'
  const probe = join(home, `.doctor-${process.pid}`)
  try {
    await mkdir(home, { recursive: true })
    await writeFile(probe, '')
    await rm(probe)
    const { bavail, bsize } = await statfs(home)
    const free = bavail * bsize
    const found = `${home}, ${(free / GIB).toFixed(1)} GiB free`
    if (free >= MIN_DISK_BYTES) return ok('home', title, found)
    return warn('home', title, found, 'free some space: an index of 100,000 chunks takes several hundred MB')
  } catch (thrown) {
    const why = (thrown as Error).message
    return failed(
      'home',
      title,
      `${home} cannot be written: ${why}`,
      'set TANDEM_HOME to a folder of your own',
    )
  }
}

export function checkCapacity(): Check[] {
  const cores = availableParallelism()
  const memory = totalmem()
  const name = cpus()[0]?.model.trim() ?? 'unknown'
  const cpu = `${cores} logical processors (${name})`
  const ram = `${(memory / GIB).toFixed(1)} GiB, ${(freemem() / GIB).toFixed(1)} free`
  return [
    cores > 1
      ? ok('cpu', 'processors', cpu)
      : warn('cpu', 'processors', cpu, 'two or more let the server answer while a model computes'),
    memory >= MIN_MEMORY_BYTES
      ? ok('memory', 'memory', ram)
      : warn('memory', 'memory', ram, 'the shipped models need about 1 GiB; larger ones more'),
  ]
}

/** How many folders may be watched; only Linux has a limit. */
export async function checkWatches(): Promise<Check[]> {
  if (process.platform !== 'linux') return []
  const title = 'watched folders'
  const text = await readFile('/proc/sys/fs/inotify/max_user_watches', 'utf8').catch(() => '')
  const limit = Number(text)
  if (text === '' || !Number.isInteger(limit)) return []
  const found = `at most ${limit.toLocaleString('en-US')}`
  if (limit >= MIN_WATCHES) return [ok('watches', title, found)]
  const advice = 'large trees need more to be followed: `sudo sysctl fs.inotify.max_user_watches=524288`'
  return [warn('watches', title, found, advice)]
}
