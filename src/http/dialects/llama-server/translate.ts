/** llama-server's request bodies to the house's own requests. Pure. */
import type { CompletionRequest, Sampling, TokenizeRequest } from '../../../domain/index.ts'
import { refuse } from '../../validate.ts'
import type { InfillBody, TokenizeBody } from './schema.ts'

/** @throws TandemError INVALID_REQUEST naming the field */
export function toTokenize(body: TokenizeBody): TokenizeRequest {
  if (body.with_pieces) refuse('with_pieces', 'is not supported; ask /detokenize for the text of a token')
  return { text: body.content, add: body.add_special ?? false, parse: body.parse_special ?? true }
}

function toSampling(body: InfillBody): Sampling {
  const { n_predict: most } = body
  return {
    stop: (body.stop ?? []).filter((each) => each !== ''),
    // one token is the least that has the prompt read
    ...(most == null || most < 0 ? {} : { maxTokens: Math.max(1, most) }),
    ...(body.temperature == null ? {} : { temperature: Math.max(0, body.temperature) }),
    ...(body.top_k == null ? {} : { topK: Math.max(0, body.top_k) }),
    ...(body.top_p == null ? {} : { topP: body.top_p }),
    ...(body.min_p == null ? {} : { minP: body.min_p }),
    // a negative one stands for any
    ...(body.seed == null || body.seed < 0 ? {} : { seed: body.seed % 2 ** 32 }),
  }
}

/** @param model id to ask */
export function toInfill(body: InfillBody, model: string): CompletionRequest {
  const extra = (body.input_extra ?? []).map(({ filename, text }) => ({ name: filename ?? 'tmp', text }))
  return {
    model,
    prompt: body.input_prefix + (body.prompt ?? ''),
    infill: { suffix: body.input_suffix, extra },
    sampling: toSampling(body),
  }
}
