/** A server-sent event whose name is the `type` of its data, as Anthropic's and OpenAI's newer clients read it. */
export function namedEvent(data: { readonly type: string }): string {
  return `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`
}
