import type { LoadedDecoder, LoadedEncoder } from '../../engines/contract.ts'

/** Lets the model answer once: shaders compile and lazy memory is taken before anybody waits for it. */
export async function warmUp(loaded: LoadedEncoder | LoadedDecoder, model: string): Promise<void> {
  const { signal } = new AbortController()
  if (loaded.kind === 'encoder') {
    await loaded.embed(['warm up'], 'passage', signal)
    return
  }
  await loaded.chat(
    {
      model,
      messages: [{ role: 'user', content: 'Hi' }],
      sampling: { maxTokens: 1, temperature: 0, stop: [] },
      responseFormat: { type: 'text' },
      tools: [],
      toolChoice: 'none',
    },
    () => {},
    signal,
  )
}
