import { LAST_PLACEMENT_RESTART_MS, type WorkerLimits } from './limits.ts'

export interface CrashHistory {
  /** Crashes within `crashWindowMs`, the newest included. */
  readonly recentCrashes: number
  /** Failed probes since the quarantine began. */
  readonly failedProbes: number
}

export interface Restart {
  readonly delayMs: number
  readonly quarantined: boolean
}

/**
 * When a crashed worker starts again. Pure.
 * @param lastPlacement nothing else serves the task: never quarantined, 2 s at most
 * @param random 0..1; spreads restarts of several workers by a quarter
 */
export function planRestart(
  history: CrashHistory,
  limits: WorkerLimits,
  lastPlacement: boolean,
  random: number,
): Restart {
  const recent = history.recentCrashes
  const jitter = 0.75 + random / 2
  if (!lastPlacement && (recent >= limits.quarantineAfter || history.failedProbes > 0)) {
    const delayMs = Math.min(limits.maxProbeMs, limits.probeMs * 2 ** history.failedProbes * jitter)
    return { delayMs, quarantined: true }
  }
  const cap = lastPlacement ? Math.min(limits.maxRestartMs, LAST_PLACEMENT_RESTART_MS) : limits.maxRestartMs
  const delayMs = Math.min(cap, limits.firstRestartMs * 2 ** Math.max(0, recent - 1) * jitter)
  return { delayMs, quarantined: false }
}
