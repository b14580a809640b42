import type { HealthLimits } from './health.ts'

/** Every bound of a worker, in milliseconds where named so. */
export interface WorkerLimits extends HealthLimits {
  /** From the start of the process to the model's first answer. */
  readonly startTimeoutMs: number
  /** A life that answered, and was ready for this long, was good: what follows it starts at once. */
  readonly goodLifeMs: number
  /** Delay of the second restart after a good life; each further one doubles it. */
  readonly firstRestartMs: number
  readonly maxRestartMs: number
  /** Crashes within `crashWindowMs` after which the worker is quarantined. */
  readonly quarantineAfter: number
  /** The same for those of lack of memory. */
  readonly quarantineAfterMemory: number
  readonly crashWindowMs: number
  /** Until the first start of a quarantined worker; each failed probe doubles it. */
  readonly probeAfterMs: number
  readonly maxProbeMs: number
  /** Answers ENGINE_FAILED in a row after which the process is replaced: a driver may be lost. */
  readonly failuresInRow: number
  /** Calls at the child, waiting ones included. */
  readonly maxCalls: number
  /** Between two looks at the memory of a process. */
  readonly memoryWatchMs: number
  /** After it became ready a process is held ready for its next life; not at once, others start too. */
  readonly standbyAfterMs: number
  /** Characters of stdout and stderr that are kept. */
  readonly outputChars: number
}

export const DEFAULT_LIMITS: WorkerLimits = {
  startTimeoutMs: 120_000,
  silenceMs: 2_000,
  silenceFactor: 8,
  unknownSilenceMs: 30_000,
  probeMs: 1_000,
  hungFactor: 3,
  hangMs: 5_000,
  goodLifeMs: 1_000,
  firstRestartMs: 100,
  maxRestartMs: 10_000,
  quarantineAfter: 5,
  quarantineAfterMemory: 2,
  crashWindowMs: 60_000,
  probeAfterMs: 30_000,
  maxProbeMs: 300_000,
  failuresInRow: 5,
  maxCalls: 1024,
  memoryWatchMs: 2_000,
  standbyAfterMs: 3_000,
  outputChars: 8192,
}

/** Promised: a task's last placement is back within this after a crash, load time apart. */
export const LAST_PLACEMENT_RESTART_MS = 2_000
