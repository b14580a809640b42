import { dirname } from 'node:path'
import type { Model } from '../../src/domain/index.ts'
import { CHAT_GGUF } from './llama-server.ts'

/** The shipped chat model for an engine that is loaded without a catalogue. @param more what it is here, and what is different */
export function tinyChatModel(more: Pick<Model, 'files'> & Partial<Model>): Model {
  return {
    id: 'tandem-tiny-chat',
    title: 'tiny chat',
    revision: '1',
    license: 'Apache-2.0',
    tasks: ['chat'],
    parameters: 30_941_696,
    contextTokens: 2048,
    chat: { groundedOnly: true, temperature: 0, maxTokens: 220 },
    folder: dirname(CHAT_GGUF),
    fingerprint: 'test',
    ...more,
  }
}
