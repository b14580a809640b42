export { createEncoderTokenizer, type Encoded, type EncoderTokenizer } from './tokenizer.ts'
