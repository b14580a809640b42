/** Made-up GGUF files: a header as llama.cpp reads it, and no weights. */

type Value = string | number | boolean | readonly string[]

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
  if (typeof value === 'number') return Buffer.concat([u32(4), u32(value)])
  if (typeof value === 'boolean') return Buffer.concat([u32(7), Buffer.from([value ? 1 : 0])])
  return Buffer.concat([u32(9), u32(8), u64(value.length), ...value.map(text)])
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
