import type { ListedDevice } from './listed.ts'

const GIB = 1024 ** 3
/** A chat model of 14B parameters in 4 bits has 8.4 GiB of weights, and its context wants some more. */
const LARGE_BYTES = 10 * GIB

/** What a device is good for, in a short phrase; a plan follows measurements, this is a first hint. */
export function goodFor({ kind, memoryBytes, engines, software }: ListedDevice): string {
  if (Object.keys(engines).length === 0) return 'nothing yet, see below'
  if (software) return 'tests: the CPU computes it'
  switch (kind) {
    case 'npu':
      return 'embeddings and reranking in the background'
    case 'dgpu':
      return memoryBytes === undefined || memoryBytes < LARGE_BYTES
        ? 'chat, medium models'
        : 'chat, large models'
    case 'igpu':
      return "small models; shares the system's memory"
    default:
      return 'fallback for everything'
  }
}
