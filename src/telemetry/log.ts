import { type Logger, pino } from 'pino'

export type { Logger }

/** Logs go to stderr, one JSON line each, so that stdout stays the command's own. */
export function createLog(level: string): Logger {
  return pino({ level, base: null }, pino.destination({ fd: 2, sync: true }))
}
