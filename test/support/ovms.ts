/** An ovms and models of it for tests; the program is the stand-in of test/fakes. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const FAKE = fileURLToPath(new URL('../fakes/ovms.js', import.meta.url))

/** Puts it into `bin` of a folder, as its package has it. @returns its path */
export function putOvms(folder: string): string {
  mkdirSync(join(folder, 'bin'), { recursive: true })
  const path = join(folder, 'bin', 'ovms')
  writeFileSync(path, `#!/bin/sh\nexec "${process.execPath}" "${FAKE}" "$@"\n`, { mode: 0o755 })
  return path
}

/** A model as it is exported. @param files others; an empty one is left out */
export function putOvmsModel(folder: string, files: Readonly<Record<string, string>> = {}): string {
  mkdirSync(folder, { recursive: true })
  const all = {
    'openvino_model.xml': '<net/>',
    'openvino_tokenizer.xml': '<net/>',
    'config.json': '{"hidden_size": 3, "max_position_embeddings": 512}',
    ...files,
  }
  for (const [name, content] of Object.entries(all)) if (content) writeFileSync(join(folder, name), content)
  return folder
}
