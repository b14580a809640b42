import type { Device } from '../../domain/index.ts'

/** What is taken of a device's own memory. What nobody tells is absent. */
export interface Taken {
  /** By all programs together. */
  readonly usedBytes?: number
  /** By other programs than Tandem and its workers. */
  readonly othersBytes?: number
  /** `othersBytes` is that of the programs which can be seen: another user's cannot. */
  readonly partial?: boolean
}

/** Where devices have memory that is theirs alone: what shares the system's is watched with it. */
export function hasOwnMemory({ kind, sharedMemory = false, software, memoryBytes, server }: Device): boolean {
  return kind === 'dgpu' && !sharedMemory && !software && !server && memoryBytes !== undefined
}
