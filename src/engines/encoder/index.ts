export { type EncoderOutput, loadEncoder } from './load.ts'
export { badFile, modelFiles } from './model-files.ts'
export type { BatchOutput, EncoderSession, TokenRow } from './session.ts'
export { turn } from './turn.ts'
