// A GGUF file with the tensor shapes of a large chat model and weights that mean nothing: its speed and memory are the model's, its
// text is not. A GPU can be measured with it where nothing can be downloaded.
import { createHash } from 'node:crypto'
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'

/**
 * @typedef {{ name: string, layers: number, hidden: number, feedForward: number, heads: number, kvHeads: number }} Shape
 * `14b` is Qwen2.5-14B's but for its vocabulary, which is the one of the tokenizer that the file gets: 7.5 GB in Q4_0.
 */
/** @type {Record<string, Shape>} */
export const SHAPES = {
  '14b': { name: '14b', layers: 48, hidden: 5120, feedForward: 13_824, heads: 40, kvHeads: 8 },
  tiny: { name: 'tiny', layers: 4, hidden: 256, feedForward: 768, heads: 4, kvHeads: 2 },
}

export const CONTEXT_TOKENS = 4096
const ALIGNMENT = 32

/** GGUF's numbers of the types of values. */
const U32 = 4
const F32_VALUE = 6
const STRING = 8
const ARRAY = 9
/** Bytes of a value by its type, where all have the same. */
const VALUE_BYTES = { 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8 }

/** Of weights: f32, and Q4_0, which keeps 32 weights in a scale of two bytes and 16 bytes of halves. */
const F32 = { id: 0, bytesOf: (weights) => weights * 4 }
const Q4_0 = { id: 2, bytesOf: (weights) => (weights / 32) * 18 }

/** @param {number} value */
function u32(value) {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
/** @param {number} value */
function u64(value) {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}
/** @param {number} value */
function f32(value) {
  const bytes = Buffer.alloc(4)
  bytes.writeFloatLE(value)
  return bytes
}
/** @param {string} value */
const text = (value) => Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)])

/**
 * The entries of a GGUF header whose names begin with `tokenizer.`, as they stand there.
 * @param {string} file
 */
function readTokenizer(file) {
  const bytes = readFileSync(file)
  let at = 16 // magic, version, number of tensors
  const count = () => {
    at += 8
    return Number(bytes.readBigUInt64LE(at - 8))
  }
  const type = () => {
    at += 4
    return bytes.readUInt32LE(at - 4)
  }
  /** @param {number} of */
  const skip = (of) => {
    if (of === STRING) {
      const length = count()
      at += length
    } else if (of === ARRAY) {
      const each = type()
      for (let left = count(); left > 0; left--) skip(each)
    } else at += VALUE_BYTES[of]
  }
  const entries = []
  let vocabulary = 0
  for (let left = count(); left > 0; left--) {
    const start = at
    const length = count()
    const name = bytes.toString('utf8', at, at + length)
    at += length
    const of = type()
    if (name === 'tokenizer.ggml.tokens') vocabulary = Number(bytes.readBigUInt64LE(at + 4))
    skip(of)
    if (name.startsWith('tokenizer.')) entries.push(bytes.subarray(start, at))
  }
  return { entries, vocabulary }
}

/** All tensors of a Qwen2 model. @param {Shape} shape @param {number} vocabulary */
function tensorsOf({ layers, hidden, feedForward, heads, kvHeads }, vocabulary) {
  const kv = (hidden / heads) * kvHeads
  /** @param {string} name @param {number[]} shape */
  const matrix = (name, ...shape) => ({ name: `${name}.weight`, type: Q4_0, shape, fill: noise })
  const norm = (name) => ({ name: `${name}.weight`, type: F32, shape: [hidden], fill: ones })
  const bias = (name, size) => ({ name: `${name}.bias`, type: F32, shape: [size], fill: zeros })
  const layer = (at) => [
    norm(`blk.${at}.attn_norm`),
    matrix(`blk.${at}.attn_q`, hidden, hidden),
    bias(`blk.${at}.attn_q`, hidden),
    matrix(`blk.${at}.attn_k`, hidden, kv),
    bias(`blk.${at}.attn_k`, kv),
    matrix(`blk.${at}.attn_v`, hidden, kv),
    bias(`blk.${at}.attn_v`, kv),
    matrix(`blk.${at}.attn_output`, hidden, hidden),
    norm(`blk.${at}.ffn_norm`),
    matrix(`blk.${at}.ffn_gate`, hidden, feedForward),
    matrix(`blk.${at}.ffn_up`, hidden, feedForward),
    matrix(`blk.${at}.ffn_down`, feedForward, hidden),
  ]
  return [
    matrix('token_embd', hidden, vocabulary),
    ...Array.from({ length: layers }, (_, at) => layer(at)).flat(),
    norm('output_norm'),
    matrix('output', hidden, vocabulary),
  ]
}

/** @param {Shape} shape @param {number} vocabulary */
function settingsOf({ layers, hidden, feedForward, heads, kvHeads }, vocabulary) {
  const numbers = {
    context_length: CONTEXT_TOKENS,
    embedding_length: hidden,
    block_count: layers,
    feed_forward_length: feedForward,
    'attention.head_count': heads,
    'attention.head_count_kv': kvHeads,
    vocab_size: vocabulary,
  }
  return [
    Buffer.concat([text('general.architecture'), u32(STRING), text('qwen2')]),
    Buffer.concat([text('qwen2.attention.layer_norm_rms_epsilon'), u32(F32_VALUE), f32(1e-6)]),
    Buffer.concat([text('qwen2.rope.freq_base'), u32(F32_VALUE), f32(1e6)]),
    ...Object.entries(numbers).map(([name, value]) =>
      Buffer.concat([text(`qwen2.${name}`), u32(U32), u32(value)]),
    ),
  ]
}

const padded = (bytes) => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT

/**
 * Writes the file; a disk that is too small fails with ENOSPC.
 * @param {string} file @param {Shape} shape @param {string} tokenizerFrom a GGUF file whose tokenizer and chat template it gets
 * @returns {{ sizeBytes: number, sha256: string, parameters: number }}
 */
export function writeGeneratedGguf(file, shape, tokenizerFrom) {
  const { entries, vocabulary } = readTokenizer(tokenizerFrom)
  const tensors = tensorsOf(shape, vocabulary).map((tensor) => {
    const weights = tensor.shape.reduce((a, b) => a * b, 1)
    return { ...tensor, weights, bytes: padded(tensor.type.bytesOf(weights)) }
  })
  const values = [...settingsOf(shape, vocabulary), ...entries]
  let offset = 0
  const infos = tensors.map(({ name, type, shape: sizes, bytes }) => {
    const place = Buffer.concat([u32(type.id), u64(offset)])
    offset += bytes
    return Buffer.concat([text(name), u32(sizes.length), ...sizes.map(u64), place])
  })
  const counts = [u32(3), u64(tensors.length), u64(values.length)]
  const header = Buffer.concat([Buffer.from('GGUF'), ...counts, ...values, ...infos])
  const hash = createHash('sha256')
  const out = openSync(file, 'w')
  try {
    const put = (bytes) => {
      hash.update(bytes)
      for (let at = 0; at < bytes.length; ) at += writeSync(out, bytes, at)
    }
    put(header)
    put(Buffer.alloc(padded(header.length) - header.length))
    for (const { fill, bytes } of tensors)
      for (let left = bytes; left > 0; left -= fill.length) put(fill.subarray(0, Math.min(left, fill.length)))
  } finally {
    closeSync(out)
  }
  const parameters = tensors.reduce((sum, { weights }) => sum + weights, 0)
  return { sizeBytes: padded(header.length) + offset, sha256: hash.digest('hex'), parameters }
}

/** What tensors are filled with, over and over: small enough that no sum of a layer overflows. */
const BLOCKS = 65_536
const zeros = Buffer.alloc(BLOCKS)
const ones = Buffer.from(new Float32Array(BLOCKS).fill(1).buffer)
const noise = noiseBlocks()

/** Blocks of Q4_0 with a scale of 0.001 and pseudo-random halves, the same ones in every run. */
function noiseBlocks() {
  const bytes = Buffer.alloc(Q4_0.bytesOf(BLOCKS * 32))
  let seed = 1
  for (let at = 0; at < bytes.length; at++) {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff
    bytes[at] = seed >> 16
  }
  const scale = 0x1419 // 0.001 as f16
  for (let block = 0; block < BLOCKS; block++) bytes.writeUInt16LE(scale, block * Q4_0.bytesOf(32))
  return bytes
}
