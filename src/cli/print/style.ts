import type { Output } from '../io.ts'

const CODES = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
}

export type Style = Readonly<Record<keyof typeof CODES, (text: string) => string>>

/** Colours for a stream: only on a terminal, and not when NO_COLOR is set. */
export function styleFor(stream: Output, env: NodeJS.ProcessEnv): Style {
  const coloured = stream.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb'
  const paint = Object.entries(CODES).map(([name, [on, off]]) => [
    name,
    (text: string) => (coloured ? `\u001b[${on}m${text}\u001b[${off}m` : text),
  ])
  return Object.fromEntries(paint) as Style
}

/** What a server or file says, fit for a terminal: control characters would move the cursor or change colours. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is removed
  return text.replace(/\r(?=\n|$)/g, '').replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '\ufffd')
}
