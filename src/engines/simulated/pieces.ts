/** Tokens without a tokenizer: up to four letters or two signs with the white space before them: three characters in code. */
const PIECE = /\s*(?:[\p{L}\p{N}]{1,4}|[^\s\p{L}\p{N}]{1,2})|\s+$/gu

/** Pieces that together are the text. */
export function piecesOf(text: string): string[] {
  return text.match(PIECE) ?? []
}
