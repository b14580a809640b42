/** What a model does. */
export const TASKS = ['chat', 'embed', 'rerank', 'classify'] as const
export type Task = (typeof TASKS)[number]
