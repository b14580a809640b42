/** A copy of the shipped embedding model whose OpenVINO weights are another model's. */
import { createHash } from 'node:crypto'
import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PACKAGE_ROOT } from '../../src/config/index.ts'
import { EMBED } from './api.ts'

const WEIGHTS = 'openvino/openvino_model_qint8_quantized.bin'
/** Whole numbers of the token embeddings: any byte is a good one there. */
const FROM = 1 << 20
const TO = 5 << 20

interface Manifest {
  id: string
  files: Record<string, { path: string; sha256: string }[]>
}

/**
 * Copies the model, without the reference vectors that it brings along unless they are wanted.
 * @param folder an entry of `models.folders`
 * @returns makes its OpenVINO weights differ; sizes and the manifest's hashes stay right, so nothing looks damaged
 */
export async function copyModel(
  folder: string,
  id: string,
  { references }: { references: boolean },
): Promise<() => Promise<void>> {
  const copy = join(folder, id)
  await cp(join(PACKAGE_ROOT, 'models', EMBED), copy, { recursive: true })
  if (!references) await rm(join(copy, 'tandem.reference.json'))
  const file = join(copy, 'tandem.model.json')
  const manifest = JSON.parse(await readFile(file, 'utf8')) as Manifest
  manifest.id = id
  await writeFile(file, JSON.stringify(manifest))
  return async () => {
    const weights = await readFile(join(copy, WEIGHTS))
    weights.subarray(FROM, TO).reverse()
    await writeFile(join(copy, WEIGHTS), weights)
    const entry = manifest.files['openvino-ir']!.find(({ path }) => path === WEIGHTS)!
    entry.sha256 = createHash('sha256').update(weights).digest('hex')
    await writeFile(file, JSON.stringify(manifest))
  }
}
