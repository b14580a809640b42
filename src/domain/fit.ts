export const KV_TYPES = ['f16', 'q8_0', 'q4_0'] as const
/** How a chat's keys and values are kept. */
export type KvType = (typeof KV_TYPES)[number]

/** How a decoder is opened so that it fits. */
export interface DecoderLoad {
  /** Window of one slot. */
  readonly contextTokens: number
  readonly slots: number
  readonly kvType: KvType
  /** Layers on the device, the last first, the output head counted as one; the rest runs on the CPU. 0 on the CPU itself. */
  readonly gpuLayers: number
  /** Layers whose experts stay in the system's memory; only of a mixture of experts. */
  readonly cpuExpertLayers: number
}

/** Memory that a placement takes, in bytes. */
export interface MemoryNeed {
  /** On the device; for the CPU the same as `hostBytes`. */
  readonly deviceBytes: number
  /** In the system's memory. */
  readonly hostBytes: number
  /** Of `deviceBytes`: weights, cache and intermediate results. */
  readonly weightBytes: number
  readonly kvBytes: number
  readonly computeBytes: number
  /** Of `deviceBytes` too: a model that drafts, with its cache; absent: there is none. */
  readonly draftBytes?: number
}

export type Fit =
  | {
      readonly fits: true
      readonly need: MemoryNeed
      /** Decoders. */
      readonly load?: DecoderLoad
      /** Sentences: what was given up to fit, e.g. `context 8192 instead of 16384 tokens`. */
      readonly traded: readonly string[]
    }
  | { readonly fits: false; readonly reason: string }
