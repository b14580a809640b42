import { setFlagsFromString } from 'node:v8'

/** Bytes of bytecode; V8's own number is 66 KiB or more. */
const BUDGET = 16 * 1024

/**
 * Lets V8 optimize a function after less work in it than by default, which is meant for programs that compute: the way of a chat, that
 * a person begins now and then, would run unoptimized for hundreds of chats, at a fraction of its speed. Holds for threads too.
 */
export function optimizeEarly(): void {
  setFlagsFromString(`--interrupt-budget=${BUDGET}`)
}
