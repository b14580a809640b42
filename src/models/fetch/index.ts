/** Files from elsewhere: in ranges, resumed, retried, verified by hash. */
export { contentName, digestProblem, digestsOf } from './digest.ts'
export { Download, type DownloadProgress } from './download.ts'
export { type Address, type Answer, get, throwIfPassing } from './http.ts'
export { JOURNAL_FILE, Journal } from './journal.ts'
export { getJson, type JsonAnswer } from './json.ts'
export { Passing, type RetryOptions } from './retry.ts'
export type { RemoteFile, Source } from './source.ts'
export { checkSpace } from './space.ts'
