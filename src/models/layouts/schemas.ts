/** The parts that are read of the files that sentence-transformers, transformers and optimum write. */
import { z } from 'zod'

const count = z.int().min(1).nullish()

/** `config.json` */
export const ModelConfig = z.looseObject({
  architectures: z.array(z.string()).nullish(),
  model_type: z.string().nullish(),
  _name_or_path: z.string().nullish(),
  hidden_size: count,
  n_embd: count,
  dim: count,
  d_model: count,
  max_position_embeddings: count,
  n_positions: count,
  num_labels: count,
  id2label: z.record(z.string(), z.string()).nullish(),
  problem_type: z.string().nullish(),
  sbert_ce_default_activation_function: z.string().nullish(),
  sentence_transformers: z.looseObject({ activation_fn: z.string().nullish() }).nullish(),
})
export type ModelConfig = z.infer<typeof ModelConfig>

/** `modules.json` */
export const Modules = z.array(z.looseObject({ path: z.string().default(''), type: z.string() }))

/** `1_Pooling/config.json` */
export const PoolingConfig = z.looseObject({
  word_embedding_dimension: count,
  embedding_dimension: count,
  pooling_mode: z.union([z.string(), z.array(z.string())]).nullish(),
  include_prompt: z.boolean().nullish(),
})

/** `config_sentence_transformers.json` */
export const SentenceConfig = z.looseObject({
  prompts: z.record(z.string(), z.string().nullable()).nullish(),
  default_prompt_name: z.string().nullish(),
})

/** `sentence_bert_config.json` */
export const SentenceBertConfig = z.looseObject({
  max_seq_length: count,
  do_lower_case: z.boolean().nullish(),
})

/** `tokenizer_config.json`; the length is absurdly large where the tokenizer knows none. */
export const TokenizerConfig = z.looseObject({ model_max_length: z.number().min(1).nullish() })
