import type { TextPreparation } from '../../domain/index.ts'

/** Ideographs that BERT's normalizer puts spaces around: each is a word of its own. */
const HAN = '\\u3400-\\u4dbf\\u4e00-\\u9fff\\uf900-\\ufaff\\u{20000}-\\u{2fa1f}'
/** What a word has none of: white space, punctuation (all ASCII signs count), ideographs. */
const BETWEEN_WORDS = `\\s\\p{P}\\x21-\\x2f\\x3a-\\x40\\x5b-\\x60\\x7b-\\x7e${HAN}`
/** `parseJwt` and `sha256Sum` after the small letter or digit, `HTTPServer` before `Server`; `URLs` stays whole. */
const CAMEL_BOUNDARY = /(?<=[\p{Ll}\p{Nd}])(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll}{2})/gu

/**
 * Returns a function that prepares a text as its model was trained: words longer than the limit are dropped (base64, minified
 * names: tokenizers disagree on them), then camelCase words are separated by spaces. Prefixes are not its business.
 */
export function textPreparer(preparation: TextPreparation): (text: string) => string {
  const { splitCamelCase, maxWordLength } = preparation
  const long =
    maxWordLength === undefined ? undefined : new RegExp(`[^${BETWEEN_WORDS}]{${maxWordLength + 1},}`, 'gu')
  return (text) => {
    const kept = long && text.length > (maxWordLength ?? 0) ? text.replace(long, ' ') : text
    return splitCamelCase ? kept.replace(CAMEL_BOUNDARY, ' ') : kept
  }
}

export function prefixFor(preparation: TextPreparation, purpose: 'query' | 'passage'): string {
  return purpose === 'query' ? preparation.queryPrefix : preparation.passagePrefix
}
