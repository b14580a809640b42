/** Made-up GGUF files: a header as llama.cpp reads it, and no weights. */

import { open } from 'node:fs/promises'
import type { GgufHeader } from '../../src/models/layouts/gguf-header.ts'
import { tensorBytes } from '../../src/models/shape/ggml-types.ts'

type Value = string | number | boolean | readonly string[] | readonly number[]

const ALIGNMENT = 32

function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([u64(bytes.length), bytes])
}
function u32(value: number): Buffer {
  const buffer = Buffer.alloc(4)
  buffer.writeUInt32LE(value)
  return buffer
}
function u64(value: number): Buffer {
  const buffer = Buffer.alloc(8)
  buffer.writeBigUInt64LE(BigInt(value))
  return buffer
}

function typedValue(value: Value): Buffer {
  if (typeof value === 'string') return Buffer.concat([u32(8), text(value)])
  if (typeof value === 'number') return Number.isInteger(value) ? typedInteger(value) : typedFloat(value)
  if (typeof value === 'boolean') return Buffer.concat([u32(7), Buffer.from([value ? 1 : 0])])
  if (value.every((each) => typeof each === 'number'))
    return Buffer.concat([u32(9), u32(4), u64(value.length), ...value.map(u32)])
  return Buffer.concat([u32(9), u32(8), u64(value.length), ...value.map(String).map(text)])
}

function typedInteger(value: number): Buffer {
  return Buffer.concat([u32(4), u32(value)])
}
function typedFloat(value: number): Buffer {
  const buffer = Buffer.alloc(4)
  buffer.writeFloatLE(value)
  return Buffer.concat([u32(6), buffer])
}

/** @param tensors dimensions by name */
export function ggufFile(
  values: Readonly<Record<string, Value>>,
  tensors: Readonly<Record<string, readonly number[]>> = {},
): Buffer {
  const entries = Object.entries(values).map(([key, value]) => Buffer.concat([text(key), typedValue(value)]))
  const infos = Object.entries(tensors).map(([name, shape]) =>
    Buffer.concat([text(name), u32(shape.length), ...shape.map(u64), u32(0), u64(0)]),
  )
  const counts = [u64(infos.length), u64(entries.length)]
  return Buffer.concat([Buffer.from('GGUF'), u32(3), ...counts, ...entries, ...infos])
}

/**
 * Writes a GGUF file with all tensors of a header and zeros for their data: a sparse file, whatever its size.
 * @param more values besides the header's own
 */
export async function writeSparseGguf(
  path: string,
  header: GgufHeader,
  more: Readonly<Record<string, Value>> = {},
): Promise<void> {
  const values: Record<string, Value> = { ...Object.fromEntries(header.values), ...more }
  for (const [key, list] of header.lists) values[key] = list
  const entries = Object.entries(values).map(([key, value]) => Buffer.concat([text(key), typedValue(value)]))
  let dataBytes = 0
  const infos = header.tensors.map(({ name, shape, type }) => {
    const at = dataBytes
    dataBytes += Math.ceil(tensorBytes(type, shape)! / ALIGNMENT) * ALIGNMENT
    return Buffer.concat([text(name), u32(shape.length), ...shape.map(u64), u32(type), u64(at)])
  })
  const counts = [u64(infos.length), u64(entries.length)]
  const head = Buffer.concat([Buffer.from('GGUF'), u32(3), ...counts, ...entries, ...infos])
  const file = await open(path, 'w')
  try {
    await file.write(head)
    await file.truncate(Math.ceil(head.length / ALIGNMENT) * ALIGNMENT + dataBytes)
  } finally {
    await file.close()
  }
}

/** A copy of a GGUF file with further values before its own; its tensors keep their places. */
export function withValues(file: Buffer, values: Readonly<Record<string, Value>>): Buffer {
  const [magicAndTensors, countAt, restAt] = [16, 16, 24]
  const entries = (all: Readonly<Record<string, Value>>) =>
    Buffer.concat(Object.entries(all).map(([key, value]) => Buffer.concat([text(key), typedValue(value)])))
  // what is put in must not shift the tensors against their alignment
  const lacks = (ALIGNMENT - (entries({ ...values, 'test.padding': '' }).length % ALIGNMENT)) % ALIGNMENT
  const all = { ...values, 'test.padding': ' '.repeat(lacks) }
  const count = file.readBigUInt64LE(countAt) + BigInt(Object.keys(all).length)
  return Buffer.concat([
    file.subarray(0, magicAndTensors),
    u64(Number(count)),
    entries(all),
    file.subarray(restAt),
  ])
}
