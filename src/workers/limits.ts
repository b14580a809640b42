/** Every bound of a worker, in milliseconds where named so. */
export interface WorkerLimits {
  /** From the start of the process to the model's first answer. */
  readonly startTimeoutMs: number
  /** A cancelled call must end within this while the child says nothing at all; then it hangs and is killed. */
  readonly hangMs: number
  /** Delay of the first restart; each further crash in the window doubles it. */
  readonly firstRestartMs: number
  readonly maxRestartMs: number
  /** Crashes within `crashWindowMs` after which the worker is quarantined. */
  readonly quarantineAfter: number
  readonly crashWindowMs: number
  /** First probe of a quarantined worker; each failed probe doubles it. */
  readonly probeMs: number
  readonly maxProbeMs: number
  /** Answers ENGINE_FAILED in a row after which the process is replaced: a driver may be lost. */
  readonly failuresInRow: number
  /** Calls at the child, waiting ones included. */
  readonly maxCalls: number
  /** Characters of stdout and stderr that are kept. */
  readonly outputChars: number
}

export const DEFAULT_LIMITS: WorkerLimits = {
  startTimeoutMs: 120_000,
  hangMs: 5_000,
  firstRestartMs: 100,
  maxRestartMs: 10_000,
  quarantineAfter: 5,
  crashWindowMs: 60_000,
  probeMs: 30_000,
  maxProbeMs: 300_000,
  failuresInRow: 5,
  maxCalls: 1024,
  outputChars: 8192,
}

/** Promised: a task's last placement is back within this after a crash, load time apart. */
export const LAST_PLACEMENT_RESTART_MS = 2_000
