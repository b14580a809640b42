import { type Embedding, type EngineDescriptor, TandemError } from '../../domain/index.ts'
import type { LoadedEncoder, LoadedScorer, LoadSpec } from '../contract.ts'
import { headOf } from './activation.ts'
import { Embedder } from './embedder.ts'
import { type ModelFiles, PLAIN_TEXT } from './model-files.ts'
import { Scorer } from './scorer.ts'
import type { EncoderSession } from './session.ts'

/** The output that an engine reads: token states to pool, or logits. A model with another name for it has it first. */
export type EncoderOutput = 'last_hidden_state' | 'logits'

/** What makes one vector of the token states of an input. */
export type PoolingSpec = Pick<Embedding, 'pooling' | 'normalize'>

/**
 * Loads a model for any of the encoders' tasks on a session that the engine opens.
 * @param open gets the output to read; a session may pool token states itself
 * @throws TandemError ENGINE_FAILED (the model does not do the task), MODEL_FILE_BAD, or what `open` threw
 */
export async function loadEncoder(
  engine: EngineDescriptor,
  { model, task }: Pick<LoadSpec, 'model' | 'task'>,
  files: ModelFiles,
  open: (output: EncoderOutput, pooling?: PoolingSpec) => Promise<EncoderSession>,
): Promise<LoadedEncoder | LoadedScorer> {
  const { embedding, contextTokens } = model
  if (task === 'embed' && embedding) {
    const tokenizer = await files.tokenizer(embedding.text)
    const session = await open('last_hidden_state', embedding)
    return new Embedder(engine, session, tokenizer, embedding, contextTokens)
  }
  const head = headOf(model, task)
  if (!head) {
    const why = `${model.id} cannot serve ${task} with it`
    throw new TandemError('ENGINE_FAILED', { engine: engine.title, why })
  }
  const tokenizer = await files.tokenizer(PLAIN_TEXT)
  return new Scorer(engine, await open('logits'), tokenizer, head, contextTokens)
}
