import { onnxruntime } from './descriptor.ts'

const MIB = 1024 ** 2
/** Of a lane beside its weights: its thread and what it computes with (measured at work, with weights of 17 MiB: up to 80 in all). */
const LANE_BYTES = 56 * MIB
/** All lanes of a model; each has the weights again. */
const MOST_BYTES = 1024 * MIB
/** Of the memory that is free. */
const MOST_SHARE = 1 / 8

/**
 * How many inferences run beside each other on a share of the CPU, and on how many threads each. The threads of one inference wait for
 * each other at each of its operators, those of economical cores longest; inferences of one thread do not, but each has the weights
 * again. On 2 threads of an EPYC 2 inferences at once did 379 to 410 texts/s, one 309 to 335; on 12 of a Xeon 12 at once did 861 to
 * 1,226, 3 at once 632 to 806, one 435 to 494.
 * @param freeBytes of the system's memory
 * @returns compute threads of each, the most first; together `threads`
 */
export function laneThreads(threads: number, weightBytes: number, freeBytes: number): number[] {
  const bytes = Math.min(MOST_BYTES, freeBytes * MOST_SHARE)
  const affordable = Math.floor(bytes / (LANE_BYTES + onnxruntime.footprint.weightCopies * weightBytes))
  const lanes = Math.min(threads, Math.max(1, affordable))
  return Array.from({ length: lanes }, (_, at) => Math.floor((threads + lanes - 1 - at) / lanes))
}
