import { setTimeout as sleep } from 'node:timers/promises'
import {
  type ChatDelta,
  type ChatRequest,
  type ChatResult,
  type CompletionRequest,
  TandemError,
} from '../../../domain/index.ts'
import type { DecoderOptions } from '../decoder.ts'
import { LlamaServerDecoder } from '../llama-server-decoder.ts'
import type { RunningProcess } from './process.ts'

/** A connection breaks a moment before its process is known to be gone. */
const ENDS_MS = 300

/** Chats of a llama-server of our own: a broken connection is explained by how the process ended. */
export class ManagedDecoder extends LlamaServerDecoder {
  readonly #running: RunningProcess

  constructor(options: DecoderOptions, template: string, running: RunningProcess) {
    super(options, template)
    this.#running = running
  }

  override chat(
    request: ChatRequest,
    onDelta: (delta: ChatDelta) => void,
    signal: AbortSignal,
    onProgress?: () => void,
  ): Promise<ChatResult> {
    return this.#explained(super.chat(request, onDelta, signal, onProgress))
  }

  override complete(
    request: CompletionRequest,
    onDelta: (delta: ChatDelta) => void,
    signal: AbortSignal,
    onProgress?: () => void,
  ): Promise<ChatResult> {
    return this.#explained(super.complete(request, onDelta, signal, onProgress))
  }

  override async dispose(): Promise<void> {
    await super.dispose()
    await this.#running.stop()
  }

  async #explained(answer: Promise<ChatResult>): Promise<ChatResult> {
    try {
      return await answer
    } catch (thrown) {
      if (!(thrown instanceof TandemError) || thrown.code !== 'ENGINE_FAILED') throw thrown
      const end = await Promise.race([this.#running.ended, sleep(ENDS_MS)])
      if (!end) throw thrown
      throw new TandemError('ENGINE_FAILED', { engine: 'llama-server', why: end.why }, { cause: thrown })
    }
  }
}
