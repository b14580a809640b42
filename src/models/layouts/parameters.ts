import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'

const MAX_HEADER_BYTES = 64 * 1024 * 1024

const Header = z.record(z.string(), z.looseObject({ shape: z.array(z.number()).optional() }))

/**
 * Parameters that a `model.safetensors` holds, from its header.
 * @returns undefined when there is no such file, or it is damaged
 */
export async function safetensorsParameters(folder: string): Promise<number | undefined> {
  const handle = await open(join(folder, 'model.safetensors')).catch(() => undefined)
  if (!handle) return undefined
  try {
    const size = Buffer.alloc(8)
    await handle.read(size, 0, 8, 0)
    const length = Number(size.readBigUInt64LE())
    if (length < 2 || length > MAX_HEADER_BYTES) return undefined
    const text = Buffer.alloc(length)
    const { bytesRead } = await handle.read(text, 0, length, 8)
    if (bytesRead < length) return undefined
    const tensors = Object.values(Header.parse(JSON.parse(text.toString('utf8'))))
    return (
      tensors.reduce((sum, { shape }) => sum + (shape ? shape.reduce((a, b) => a * b, 1) : 0), 0) || undefined
    )
  } catch {
    return undefined
  } finally {
    await handle.close()
  }
}

/** Parameters as far as the size of the weights tells: an estimate, right to a third where the name tells the precision. */
export function estimatedParameters(mainFile: string, weightBytes: number): number {
  const name = mainFile.slice(mainFile.lastIndexOf('/') + 1).toLowerCase()
  const bytesEach = /int8|qint|quint|quantized|q8/.test(name)
    ? 1
    : /fp?16/.test(name)
      ? 2
      : /q4|bnb4|int4/.test(name)
        ? 0.6
        : 4
  return Math.max(1, Math.round(weightBytes / bytesEach))
}
