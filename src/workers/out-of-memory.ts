import { readFileSync } from 'node:fs'

const WORDS =
  /out of (?:host |device |gpu )?memory|out_?of_?(?:host_?|device_?)?memory|OutOf(?:Host|Device)?Memory|bad_alloc|allocation failed|cannot allocate|failed to allocate|unable to allocate|not enough memory/i

/** Whether an engine's message or a process's last lines tell of too little memory. */
export function tellsOfMemory(text: string): boolean {
  return WORDS.test(text)
}

/** Processes that this system has ended for lack of memory since it started; undefined where it does not tell. */
export function memoryKills(): number | undefined {
  try {
    const found = /^oom_kill (\d+)$/m.exec(readFileSync('/proc/vmstat', 'utf8'))
    return found ? Number(found[1]) : undefined
  } catch {
    return undefined // no Linux
  }
}
