import { readLinuxPower } from './linux/power.ts'
import { readWindowsPower } from './windows/power.ts'
import { within } from './within.ts'

/** What the machine runs on; what the system does not tell is absent. */
export interface Power {
  readonly onBattery?: boolean
  /** How the system saves power, by its own word: `low-power`, `balanced`, `performance`. */
  readonly profile?: string
}

export interface PowerOptions {
  readonly signal: AbortSignal
  readonly env: NodeJS.ProcessEnv
  /** Where the file system begins; another one in tests. */
  readonly root?: string
}

const LIMIT_MS = 2000

/** Never throws; takes 2 s at most. */
export function readPower({ signal, env, root = '/' }: PowerOptions): Promise<Power> {
  if (process.platform === 'linux') return within(LIMIT_MS, readLinuxPower(root), {})
  if (process.platform === 'win32')
    return within(LIMIT_MS, readWindowsPower({ signal, env, limitMs: LIMIT_MS }), {})
  return Promise.resolve({})
}
