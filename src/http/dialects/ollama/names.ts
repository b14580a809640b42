/** Names as Ollama's clients send them: a tag stands at the end of each, and `latest` means none. */
export function withoutLatest(name: string): string {
  return name.replace(/:latest(?=@|$)/, '')
}
