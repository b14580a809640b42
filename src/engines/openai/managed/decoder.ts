import { setTimeout as sleep } from 'node:timers/promises'
import { type ChatResult, TandemError } from '../../../domain/index.ts'
import type { LoadedDecoder } from '../../contract.ts'
import type { RunningProcess } from './process.ts'

/** A connection breaks a moment before its process is known to be gone. */
const ENDS_MS = 300

/** Chats of a llama-server of our own: a broken connection is explained by how the process ended, and the server goes with its decoder. */
export function managedDecoder(decoder: LoadedDecoder, running: RunningProcess): LoadedDecoder {
  const { kind, contextTokens, slots, resumes } = decoder
  return {
    kind,
    contextTokens,
    slots,
    resumes,
    chat: (...asked) => explained(decoder.chat(...asked), running),
    complete: (...asked) => explained(decoder.complete(...asked), running),
    countTokens: (texts) => decoder.countTokens(texts),
    countPrompt: (prompt) => decoder.countPrompt(prompt),
    dispose: async () => {
      await decoder.dispose()
      await running.stop()
    },
  }
}

async function explained(answer: Promise<ChatResult>, { ended }: RunningProcess): Promise<ChatResult> {
  try {
    return await answer
  } catch (thrown) {
    if (!(thrown instanceof TandemError) || thrown.code !== 'ENGINE_FAILED') throw thrown
    const end = await Promise.race([ended, sleep(ENDS_MS)])
    if (!end) throw thrown
    throw new TandemError('ENGINE_FAILED', { engine: 'llama-server', why: end.why }, { cause: thrown })
  }
}
