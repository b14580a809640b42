import { readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import {
  type EngineDescriptor,
  type Model,
  type ModelFormat,
  TandemError,
  type TextPreparation,
} from '../../domain/index.ts'
import { createEncoderTokenizer, type EncoderTokenizer } from '../text/index.ts'

/** The files of one format of a model, as an engine opens them. */
export interface ModelFiles {
  /**
   * Path of a listed file; its size is compared here, for a cut file fails in many ways later.
   * @param what named in the error when no such file is listed
   * @throws TandemError MODEL_FILE_BAD, ENGINE_FAILED
   */
  find(what: string, isWanted: (name: string) => boolean): Promise<string>
  /** @throws TandemError MODEL_FILE_BAD, ENGINE_FAILED */
  tokenizer(preparation: TextPreparation): Promise<EncoderTokenizer>
}

/** A text as it is. */
export const PLAIN_TEXT: TextPreparation = { splitCamelCase: false, queryPrefix: '', passagePrefix: '' }

export function modelFiles(engine: EngineDescriptor, model: Model, format: ModelFormat): ModelFiles {
  const find: ModelFiles['find'] = async (what, isWanted) => {
    const listed = model.files[format]?.find((file) => isWanted(basename(file.path)))
    if (!listed) {
      const why = `${model.id} lists no ${what} among its ${format} files`
      throw new TandemError('ENGINE_FAILED', { engine: engine.title, why })
    }
    const path = join(model.folder, listed.path)
    const found = await stat(path).catch((error: unknown) => {
      throw badFile(path, error)
    })
    if (found.size !== listed.sizeBytes)
      throw badFile(path, `${found.size} bytes, the manifest says ${listed.sizeBytes}`)
    return path
  }
  const tokenizer = async (preparation: TextPreparation): Promise<EncoderTokenizer> => {
    const file = await find('tokenizer.json', (name) => name === 'tokenizer.json')
    try {
      const json = await readFile(file, 'utf8')
      return createEncoderTokenizer(json, preparation, model.contextTokens)
    } catch (error) {
      throw badFile(file, error)
    }
  }
  return { find, tokenizer }
}

export function badFile(file: string, cause: unknown): TandemError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new TandemError('MODEL_FILE_BAD', { file, why }, { cause })
}
