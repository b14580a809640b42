import { z } from 'zod'

const addedToken = z.looseObject({
  id: z.int().min(0),
  content: z.string(),
  lstrip: z.boolean().default(false),
  rstrip: z.boolean().default(false),
  normalized: z.boolean().default(false),
})

/** The part of Hugging Face's `tokenizer.json` that is looked at here; the library reads the rest. */
export const TokenizerFile = z.looseObject({
  added_tokens: z.array(addedToken).default([]),
  normalizer: z.looseObject({ type: z.string(), clean_text: z.boolean().optional() }).nullable(),
  pre_tokenizer: z.looseObject({ type: z.string() }).nullable(),
  post_processor: z.looseObject({ type: z.string() }).nullish(),
  model: z.looseObject({ type: z.string(), vocab: z.unknown() }),
})
export type TokenizerFile = z.infer<typeof TokenizerFile>

/**
 * Whether words between spaces, tabs and line ends can be encoded one by one: BERT's normalizer and pre-tokenizer look
 * at nothing beyond them, and no added token reaches over one.
 */
export function encodesWordByWord(file: TokenizerFile): boolean {
  return (
    file.normalizer?.type === 'BertNormalizer' &&
    file.normalizer.clean_text === true &&
    file.pre_tokenizer?.type === 'BertPreTokenizer' &&
    file.model.type === 'WordPiece' &&
    file.added_tokens.every(
      (token) => !token.lstrip && !token.rstrip && !token.normalized && /^[!-~]+$/.test(token.content),
    )
  )
}

/** One more than the largest token id. */
export function vocabularySize(file: TokenizerFile): number {
  const { vocab } = file.model
  let largest = Array.isArray(vocab) ? vocab.length - 1 : -1 // a list holds piece and score, its index is the id
  if (!Array.isArray(vocab)) {
    for (const id of Object.values((vocab ?? {}) as Record<string, number>)) if (id > largest) largest = id
  }
  for (const token of file.added_tokens) if (token.id > largest) largest = token.id
  return largest + 1
}
