/** `interactive`: a person waits; `bulk`: indexing. Interactive always overtakes bulk. */
export const PRIORITIES = ['interactive', 'bulk'] as const
export type Priority = (typeof PRIORITIES)[number]
