import type { TandemError } from '../../../domain/index.ts'

/** An error in the form of Ollama's API: a body of its own, or the last line of a stream. */
export const ollamaError = ({ message }: TandemError) => ({ error: message })
