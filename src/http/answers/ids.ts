import { randomUUID } from 'node:crypto'

/** A new id in the form that clients of a dialect expect, e.g. `msg_` and 32 hex digits. */
export function newId(prefix: string): string {
  return `${prefix}${randomUUID().replaceAll('-', '')}`
}
