/** A second chat model of the same size: the shipped one with other weights, so that its answers are told apart. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PACKAGE_ROOT } from '../../src/config/index.ts'
import { CHAT } from './api.ts'

/** Of Q8_0: a scale and 32 numbers. */
const BLOCK_BYTES = 34
const BLOCKS = 20_000

/** @returns its path, which is also a value of `models.apply`; its id is the file's name */
export async function writeSecondChat(folder: string, id: string): Promise<string> {
  const file = await readFile(join(PACKAGE_ROOT, 'models', CHAT, `${CHAT}-Q8_0.gguf`))
  const end = BLOCKS * BLOCK_BYTES
  // whole blocks in another order are good weights, and others
  const blocks = Array.from({ length: BLOCKS }, (_, at) =>
    Buffer.from(
      file.subarray(file.length - end + at * BLOCK_BYTES, file.length - end + (at + 1) * BLOCK_BYTES),
    ),
  )
  Buffer.concat(blocks.reverse()).copy(file, file.length - end)
  const path = join(folder, `${id}.gguf`)
  await writeFile(path, file)
  return path
}
