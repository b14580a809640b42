import type { Loaded, LoadSpec } from '../../engines/contract.ts'

/** Lets the model answer once: shaders compile and lazy memory is taken before anybody waits for it. */
export async function warmUp(
  loaded: Loaded,
  { model, task }: Pick<LoadSpec, 'model' | 'task'>,
): Promise<void> {
  const { signal } = new AbortController()
  if (loaded.kind === 'encoder') {
    await loaded.embed(['warm up'], 'passage', signal)
    return
  }
  if (loaded.kind === 'scorer') {
    await loaded.score([task === 'rerank' ? { query: 'warm', text: 'up' } : 'warm up'], signal)
    return
  }
  await loaded.chat(
    {
      model: model.id,
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
