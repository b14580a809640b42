/** Vectors of a text without a model: its words, the parts of its identifiers and their trigrams, hashed. */

const WORD = /[\p{L}\p{N}_$]+/gu
/** `parseJwt` after the small letter, `HTTPServer` before `Server`. */
const PART = /(?<=[\p{Ll}\p{Nd}])(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})|[_$]+/gu

const WHOLE_WEIGHT = 0.5
const PART_WEIGHT = 1
const TRIGRAM_WEIGHT = 0.25

/**
 * Equal texts have equal vectors on every device, texts with common words are near each other.
 * @returns a unit vector
 */
export function textVector(text: string, dimensions: number): Float32Array {
  const vector = new Float32Array(dimensions)
  const add = (feature: string, weight: number) => {
    const hash = hashOf(feature)
    vector[hash % dimensions]! += (hash >>> 31 === 0 ? 1 : -1) * weight
  }
  for (const [word] of text.matchAll(WORD)) {
    const parts = word.split(PART).filter((part) => part !== '')
    if (parts.length > 1) add(`whole ${word.toLowerCase()}`, WHOLE_WEIGHT)
    for (const part of parts.map((each) => each.toLowerCase())) {
      add(part, PART_WEIGHT)
      for (let at = 0; at + 3 <= part.length; at++) add(`tri ${part.slice(at, at + 3)}`, TRIGRAM_WEIGHT)
    }
  }
  return unit(vector)
}

/** The same of token ids. */
export function idsVector(ids: readonly number[], dimensions: number): Float32Array {
  return textVector(ids.map((id) => `id${id}`).join(' '), dimensions)
}

/** A text without a word has a direction of its own. */
function unit(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector)
  if (length === 0) {
    vector[0] = 1
    return vector
  }
  return vector.map((each) => each / length)
}

export function cosine(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, each, at) => sum + each * b[at]!, 0)
}

/** FNV-1a with a last mixing, so that its low bits differ too; 32 bits. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  return (hash ^ (hash >>> 13)) >>> 0
}
