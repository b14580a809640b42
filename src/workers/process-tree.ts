/** A process and those that it started, as far as Linux tells; elsewhere the process alone. */
import { readFile } from 'node:fs/promises'

const MOST = 64
/** `CLK_TCK`, which Linux has set to 100 for programs on all that Node runs on. */
const MS_PER_TICK = 10

/** @returns the process first */
export async function processTree(pid: number): Promise<number[]> {
  const pids = [pid]
  for (let at = 0; at < pids.length && pids.length < MOST; at++) pids.push(...(await childrenOf(pids[at]!)))
  return pids.slice(0, MOST)
}

/** Those that the main thread started, as Node and servers do. */
async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  return text
    .split(' ')
    .filter((each) => each !== '')
    .map(Number)
}

/** Milliseconds of processor time that those used which a process started and that still run. */
export async function childrenCpuMs(pid: number): Promise<number> {
  const [, ...children] = await processTree(pid)
  let sum = 0
  for (const each of children) {
    const text = await readFile(`/proc/${each}/stat`, 'utf8').catch(() => '')
    // the name before them may hold blanks and brackets: state is the first field after it, then utime and stime 11 and 12 later
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    sum += (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * MS_PER_TICK
  }
  return sum
}
