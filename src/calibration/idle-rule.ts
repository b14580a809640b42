/** When the server may measure. Pure. */
export interface IdleFacts {
  readonly nowMs: number
  /** When the last request came or ended; absent: none came yet. */
  readonly lastRequestMs?: number
  /** Requests that wait or run, bulk ones included. */
  readonly waiting: number
  /** Share of the processor that others use now, 0..1; absent where nobody tells. */
  readonly cpuBusy?: number
  /** Busier, a figure would tell of other programs. */
  readonly maxCpuBusy: number
  readonly idleAfterMs: number
  readonly onBattery: boolean
}

/** Nobody waits, nobody did for a while, and a figure would be right: the processor is free, the power is the usual one. */
export function shouldCalibrate(facts: IdleFacts): boolean {
  const {
    nowMs,
    lastRequestMs = Number.NEGATIVE_INFINITY,
    waiting,
    cpuBusy = 0,
    maxCpuBusy,
    idleAfterMs,
    onBattery,
  } = facts
  return waiting === 0 && !onBattery && cpuBusy <= maxCpuBusy && nowMs - lastRequestMs >= idleAfterMs
}
