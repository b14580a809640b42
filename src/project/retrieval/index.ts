export { selectPassages } from './passages.ts'
export { isAnswerable, refusalText } from './refusal.ts'
export { type FoundHits, findPassages, type SearchOptions, searchProject } from './search.ts'
export { renderSystemMessage } from './system-message.ts'
