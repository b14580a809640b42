/** Splits code and questions into the terms of the lexical index. Pure. */

const WORD = /[\p{L}\p{N}_$]+/gu
/** Words of more characters are data (base64, minified code), not names. */
const MAX_WORD = 64
const MAX_QUERY_TERMS = 32

/** Words that say nothing about which code is meant. */
const STOP_WORDS = new Set(
  (
    'a an and any are as at be been being but by can could do does did for from had has have how i if in into is it its me my ' +
    'no not of on or our shall should so some such than that the their them then there these they this those to us was we ' +
    'were what when where which who why will with would you your'
  ).split(' '),
)

/** `parseJWTExpiry_v2` gives `parse`, `jwt`, `expiry`, `v2`; lower case. */
export function nameParts(word: string): string[] {
  if (/^[a-z]+$/.test(word)) return [word] // most words by far
  return word
    .replace(/([\p{Ll}\p{N}])(\p{Lu})/gu, '$1 $2')
    .replace(/(\p{Lu}+)(\p{Lu}\p{Ll})/gu, '$1 $2')
    .split(/[\s_$]+/)
    .filter((part) => part !== '')
    .map((part) => part.toLowerCase())
}

/** One form for a word's usual endings (`cancels`, `cancelled`, `cancelling`); crude, but the same on both sides. */
export function stem(term: string): string {
  if (term.length < 4 || !/^[a-z]+$/.test(term)) return term
  let root = term
  if (root.endsWith('ies') && root.length > 4) root = `${root.slice(0, -3)}y`
  else if (root.endsWith('sses')) root = root.slice(0, -2)
  else if (root.endsWith('s') && !/(ss|us|is)$/.test(root)) root = root.slice(0, -1)
  if (root.endsWith('ing') && root.length > 5) root = root.slice(0, -3)
  else if (root.endsWith('ed') && root.length > 4) root = root.slice(0, -2)
  if (root !== term && /([bdfgklmnprt])\1$/.test(root) && root.length > 4) root = root.slice(0, -1)
  return root.endsWith('e') && root.length > 3 ? root.slice(0, -1) : root
}

/** Terms of a text in order, repeated as they occur: each word whole, then its parts. */
export function textTerms(text: string): string[] {
  const terms: string[] = []
  for (const [word] of text.matchAll(WORD)) {
    if (word.length > MAX_WORD) continue
    const parts = nameParts(word)
    if (parts.length !== 1) terms.push(word.toLowerCase())
    for (const part of parts) terms.push(stem(part))
  }
  return terms
}

/** Distinct terms of a question without words that say nothing; those words alone when there is nothing else. */
export function queryTerms(text: string): string[] {
  const all = new Set<string>()
  const telling = new Set<string>()
  for (const [word] of text.matchAll(WORD)) {
    if (word.length > MAX_WORD) continue
    const parts = nameParts(word)
    const whole = word.toLowerCase()
    const found = parts.length === 1 ? parts.map(stem) : [whole, ...parts.map(stem)]
    for (const term of found) all.add(term)
    if (!STOP_WORDS.has(whole)) for (const term of found) telling.add(term)
  }
  return [...(telling.size > 0 ? telling : all)].slice(0, MAX_QUERY_TERMS)
}

/** Words between spaces that say something. */
export function countWords(text: string): number {
  return text.split(/[\s?!]+/).filter((word) => word !== '' && !STOP_WORDS.has(word.toLowerCase())).length
}

const SYMBOL_LIKE =
  /[\p{Ll}\p{N}]\p{Lu}|[\p{L}\p{N}][_$.:/\\#@-]+[\p{L}\p{N}]|^[@#/$_.-]|[(){}[\]=<>]|^\p{Lu}{2,}$|\p{L}\p{N}|\p{N}\p{L}/u

/**
 * The parts of a question that are to be found letter by letter: quoted text, names, paths, and a question of one word.
 * Lower case, at least three characters each, at most eight.
 */
export function needles(text: string): string[] {
  const found = new Set<string>()
  const rest = text.replace(/[`"']([^`"']{3,100})[`"']/g, (_, quoted: string) => {
    found.add(quoted.trim().toLowerCase())
    return ' '
  })
  const words = rest.split(/\s+/).map((word) => word.replace(/^[([{<]+|[)\]}>,;:!?.]+$/g, ''))
  const plain = words.filter((word) => word !== '')
  for (const word of plain)
    if (plain.length === 1 || SYMBOL_LIKE.test(word)) found.add(word.replace(/\(\)?$/, '').toLowerCase())
  return [...found].filter((needle) => needle.length >= 3 && needle.length <= 100).slice(0, 8)
}
