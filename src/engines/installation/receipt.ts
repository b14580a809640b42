import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'

/** What an installation of Tandem's own says about itself; written last, before it gets its name. */
const RECEIPT = 'installation.json'

/** Bytes of each file that was unpacked, by its path in the installation. */
export type UnpackedFiles = Readonly<Record<string, number>>

/** The part that every installation's receipt has. */
export const Files = z.record(z.string(), z.int())

export async function writeReceipt<T extends { readonly files: UnpackedFiles }>(
  folder: string,
  receipt: T,
): Promise<void> {
  await writeFile(join(folder, RECEIPT), `${JSON.stringify(receipt, null, 2)}\n`, { flush: true })
}

/**
 * Reads the receipt of an installation and looks whether every file is there with its size.
 * @returns undefined where there is none: nothing is there, or somebody else put it there
 * @throws Error saying what is damaged
 */
export async function checkReceipt<T extends { files: UnpackedFiles }>(
  folder: string,
  schema: z.ZodType<T>,
): Promise<T | undefined> {
  let text: string
  try {
    text = await readFile(join(folder, RECEIPT), 'utf8')
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw thrown
  }
  const receipt = schema.parse(JSON.parse(text))
  for (const [path, bytes] of Object.entries(receipt.files)) {
    const { size } = await stat(join(folder, ...path.split('/')))
    if (size !== bytes) throw new Error(`${path} has ${size} bytes, not ${bytes}`)
  }
  return receipt
}
