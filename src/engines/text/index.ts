export { prefixFor, textPreparer } from './prepare.ts'
export { createEncoderTokenizer, type Encoded, type EncoderTokenizer } from './tokenizer.ts'
