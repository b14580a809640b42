import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { basename, dirname, isAbsolute } from 'node:path'
import { type Model, TandemError } from '../domain/index.ts'

/** Window of a model whose manifest nobody wrote; `chat.contextTokens` widens it, the file's own limit caps it. */
const CONTEXT_TOKENS = 8192

/** A 4-bit file has about this many bytes a parameter; only how much is read at once follows from it. */
const BYTES_PER_PARAMETER = 0.6

/** Whether the setting `models.chat` names a file instead of an id. */
export function isGgufPath(name: string): boolean {
  return /\.gguf$/i.test(name)
}

/**
 * A chat model from a GGUF file alone, as LM Studio and others keep them; its id is the file's name.
 * @throws TandemError CONFIG_INVALID for a path that is not absolute or a file that is not there
 */
export async function ggufFileModel(path: string, contextTokens = CONTEXT_TOKENS): Promise<Model> {
  const invalid = (what: string): TandemError =>
    new TandemError('CONFIG_INVALID', { where: 'models.chat', what })
  if (!isAbsolute(path)) throw invalid(`${path} is not absolute; give the whole path of the GGUF file`)
  const found = await stat(path).catch(() => undefined)
  if (!found?.isFile()) throw invalid(`there is no file ${path}`)
  const id = basename(path)
    .replace(/\.gguf$/i, '')
    .replace(/[^\w.-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
  const identity = [path, found.size, Math.trunc(found.mtimeMs), contextTokens]
  const fingerprint = createHash('sha256').update(JSON.stringify(identity)).digest('hex')
  return {
    id: id || 'chat',
    title: `the model in ${basename(path)}`,
    revision: String(Math.trunc(found.mtimeMs)),
    license: "the file's own",
    tasks: ['chat'],
    parameters: Math.max(1, Math.round(found.size / BYTES_PER_PARAMETER)),
    contextTokens,
    files: { gguf: [{ path: basename(path), sizeBytes: found.size, sha256: '' }] },
    chat: { groundedOnly: false },
    folder: dirname(path),
    fingerprint,
  }
}
