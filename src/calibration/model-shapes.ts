/** How large models are, where their files tell. */
import type { Config } from '../config/index.ts'
import { type DecoderShape, type Model, type ModelShape, TandemError } from '../domain/index.ts'
import { readGgufFileShape, readModelShape } from '../models/index.ts'

/** Of the model that drafts in a llama-server of ours; undefined: there is none. */
export async function draftShape(
  { llamaServer: { draft } }: Config,
  warn: (message: string) => void,
): Promise<DecoderShape | undefined> {
  if (draft === undefined) return undefined
  const shape = await shapeOrWarning(`llamaServer.draft ${draft}`, () => readGgufFileShape(draft), warn)
  return shape?.kind === 'decoder' ? shape : undefined
}

/** A file that cannot be read is refused by its engine, with the reason; until then its size must do. */
export async function shapeOf(
  model: Model,
  warn: (message: string) => void,
): Promise<ModelShape | undefined> {
  if (model.files.remote) return undefined
  return shapeOrWarning(model.id, () => readModelShape(model), warn)
}

async function shapeOrWarning(
  name: string,
  read: () => Promise<ModelShape | undefined>,
  warn: (message: string) => void,
): Promise<ModelShape | undefined> {
  try {
    return await read()
  } catch (thrown) {
    if (!(thrown instanceof TandemError)) throw thrown
    warn(`${name}: how much memory it needs cannot be told: ${thrown.message}`)
    return undefined
  }
}
