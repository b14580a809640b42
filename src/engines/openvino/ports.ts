import type { Port, SourceModel } from './native/model.ts'
import { ElementType } from './native/tensor.ts'

const ROLES = ['input_ids', 'attention_mask', 'token_type_ids'] as const
export type InputRole = (typeof ROLES)[number]

export interface InputPort {
  readonly role: InputRole
  /** 32-bit words of one element: ids are written as their low word. */
  readonly words: 1 | 2
  readonly elementType: number
}

export interface EncoderPorts {
  readonly inputs: readonly InputPort[]
  readonly output: string
}

/** Names and types of an encoder's inputs, and the output to read. @throws Error when it is no encoder of tokens */
export function encoderPorts(model: SourceModel, wanted: string): EncoderPorts {
  const inputs = model.inputs().map(inputPort)
  if (!inputs.some((input) => input.role === 'input_ids')) throw new Error('the model has no input input_ids')
  const outputs = model.outputs()
  const output = outputs.find((port) => port.name === wanted) ?? outputs[0]
  if (!output) throw new Error('the model has no output')
  if (output.elementType !== ElementType.f32) throw new Error(`its output ${output.name} is not float32`)
  return { inputs, output: output.name }
}

function inputPort({ name, elementType }: Port): InputPort {
  const role = ROLES.find((known) => known === name)
  if (!role) throw new Error(`the model wants an input ${name}; known are ${ROLES.join(', ')}`)
  if (elementType !== ElementType.i32 && elementType !== ElementType.i64)
    throw new Error(`its input ${name} is neither int32 nor int64`)
  return { role, elementType, words: elementType === ElementType.i64 ? 2 : 1 }
}
