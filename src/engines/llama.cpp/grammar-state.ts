import { type LlamaGrammar, LlamaGrammarEvaluationState, type LlamaModel, type Token } from 'node-llama-cpp'

/** The parts of node-llama-cpp that its own speculative decoding uses for the same. */
interface Internals {
  readonly _llama: {
    readonly _bindings: {
      readonly AddonSampler: { acceptGrammarEvaluationStateToken(state: unknown, token: Token): void }
    }
  }
}

/**
 * A grammar as it stands after some tokens. The public API starts a grammar at its beginning only; an answer that goes
 * on needs it in mid-text, so this calls what is internal there (`child.test.ts` resumes JSON at every token).
 */
export function grammarAfter(
  model: LlamaModel,
  grammar: LlamaGrammar,
  tokens: readonly Token[],
): LlamaGrammarEvaluationState {
  const state = new LlamaGrammarEvaluationState({ model, grammar })
  const { _state } = state as unknown as { readonly _state: unknown }
  const { AddonSampler } = (model as unknown as Internals)._llama._bindings
  for (const token of tokens) AddonSampler.acceptGrammarEvaluationStateToken(_state, token)
  return state
}
