/**
 * What a source tells within a time; a source that fails or does not answer tells nothing.
 * @param nothing what counts instead
 */
export async function within<T>(limitMs: number, source: Promise<T>, nothing: T): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<T>((resolve) => {
    timer = setTimeout(() => resolve(nothing), limitMs)
  })
  try {
    return await Promise.race([source.catch(() => nothing), late])
  } finally {
    clearTimeout(timer)
  }
}
