import type { LlamaContext, LlamaContextSequence, Token } from 'node-llama-cpp'
import { SlotPool } from '../decoder/index.ts'

/** A sequence of the context with what it still holds of earlier chats. */
export interface Slot {
  readonly sequence: LlamaContextSequence
  /** Leading tokens that were read in whole blocks, so that reading them again would give the same bits. */
  exact: number
}

/** Takes all sequences of the context. */
export function slotsOf(context: LlamaContext): SlotPool<Slot, Token> {
  const slots = Array.from({ length: context.totalSequences }, () => ({
    sequence: context.getSequence({ contextShift: { strategy: refuseShift } }),
    exact: 0,
  }))
  return new SlotPool({ slots, heldBy: ({ sequence }) => sequence.contextTokens, device: 'llama.cpp' })
}

/** The decoder stops before the window is full; forgetting the beginning of a chat would be silent. */
function refuseShift(): never {
  throw new Error('the window is full')
}
